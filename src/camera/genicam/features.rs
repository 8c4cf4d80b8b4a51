//! Settings of a camera by the standard names of its features, checked against the camera before they are set.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Names that an error lists.
const LISTED_MAX: usize = 12;

/// The value of a feature, as a configuration has it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Value {
    Switch(bool),
    Integer(i64),
    Number(f64),
    Word(String),
}

impl std::fmt::Display for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Switch(value) => write!(f, "{value}"),
            Self::Integer(value) => write!(f, "{value}"),
            Self::Number(value) => write!(f, "{value}"),
            Self::Word(value) => write!(f, "{value:?}"),
        }
    }
}

/// What a feature takes.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    Switch,
    Integer {
        range: (i64, i64),
        step: i64,
        unit: Option<String>,
    },
    Number {
        range: (f64, f64),
        unit: Option<String>,
    },
    /// One of the words that are known.
    Word {
        known: Vec<String>,
    },
    Text,
    /// It is carried out where it is set to true.
    Command,
}

/// The features of a camera. Errors are the camera's own words.
pub trait Features {
    /// Whether the camera has a feature, and it can be used as the camera is set.
    fn has(&self, name: &str) -> bool;
    /// All names.
    fn names(&self) -> Vec<String>;
    /// Names of the features that choose what `name` applies to.
    fn selectors(&self, name: &str) -> Vec<String>;
    fn kind(&self, name: &str) -> Result<Kind, String>;
    fn word(&self, name: &str) -> Result<String, String>;
    fn number(&self, name: &str) -> Result<f64, String>;
    fn switch(&self, name: &str) -> Result<bool, String>;
    fn set(&mut self, name: &str, value: &Value) -> Result<(), String>;

    /// Sets a feature that is one of several words.
    fn select(&mut self, name: &str, word: &str) -> Result<(), String> {
        self.set(name, &Value::Word(word.into()))
    }
}

/// Sets features; `section` is their table of the configuration. What a setting permits may depend on another one, and a
/// table has no order: those that are refused are tried again after the others, as long as one more is taken.
pub fn apply(camera: &mut dyn Features, section: &str, features: &BTreeMap<String, Value>) -> Result<(), String> {
    let mut left: Vec<(&String, &Value)> = features.iter().collect();
    while !left.is_empty() {
        let mut refused = Vec::new();
        let mut reason = None;
        for (name, value) in &left {
            if let Err(why) = set(camera, name, value) {
                refused.push((*name, *value));
                reason.get_or_insert_with(|| format!("{section}.{name}{why}"));
            }
        }
        if refused.len() == left.len() {
            return reason.map_or(Ok(()), Err);
        }
        left = refused;
    }
    Ok(())
}

/// Sets one feature. The error goes on from its name.
fn set(camera: &mut dyn Features, key: &str, value: &Value) -> Result<(), String> {
    let (name, entries) = split(key).ok_or(": a name, or a name and what is selected in brackets, is expected")?;
    for entry in entries {
        choose(camera, name, entry)?;
    }
    if !camera.has(name) {
        return Err(unknown(&camera.names(), name));
    }
    let kind = camera.kind(name).map_err(|error| format!(" cannot be read: {error}"))?;
    let Some(value) = fitting(&kind, value)? else { return Ok(()) };
    camera.set(name, &value).map_err(|error| format!(" = {value} is refused by the camera: {error}"))
}

/// `TriggerMode[FrameStart]` is the trigger mode where the selector of triggers is at FrameStart; a feature that several
/// selectors apply to has several brackets.
fn split(key: &str) -> Option<(&str, Vec<&str>)> {
    match key.split_once('[') {
        None => Some((key, Vec::new())),
        Some((name, rest)) => Some((name, rest.strip_suffix(']')?.split("][").collect())),
    }
}

fn choose(camera: &mut dyn Features, name: &str, entry: &str) -> Result<(), String> {
    let names = camera.names();
    if !names.iter().any(|known| known == name) {
        return Err(unknown(&names, name));
    }
    let selectors = camera.selectors(name);
    let mut known = Vec::new();
    for selector in &selectors {
        match camera.kind(selector) {
            Ok(Kind::Word { known: words }) if words.iter().any(|word| word == entry) => {
                return camera.select(selector, entry).map_err(|error| format!(": {selector} refuses it: {error}"));
            }
            Ok(Kind::Word { known: words }) => known.extend(words),
            _ => {}
        }
    }
    match selectors.is_empty() {
        true => Err(": it has no selector, so nothing can stand in brackets".into()),
        false => Err(format!(": {} knows {}", selectors.join(" and "), listed(&known))),
    }
}

/// The error for a name that the camera does not have. It goes on from the name.
pub fn unknown(names: &[String], name: &str) -> String {
    let near = names.iter().map(|known| (strsim::jaro_winkler(known, name), known));
    match near.max_by(|a, b| a.0.total_cmp(&b.0)) {
        Some((_, same)) if same == name => " is there, but not available as the camera is set".into(),
        Some((_, nearest)) => format!(" is no feature of the camera; the nearest is {nearest}"),
        None => " is no feature of the camera, which names none".into(),
    }
}

/// The value as the feature takes it, or what it would take; none for a command that is not to be carried out.
fn fitting(kind: &Kind, value: &Value) -> Result<Option<Value>, String> {
    let unit = |unit: &Option<String>| unit.as_ref().map_or(String::new(), |unit| format!(" {unit}"));
    let given = value.clone();
    let expected = match (kind, value) {
        (Kind::Switch | Kind::Command, Value::Switch(true)) | (Kind::Switch, Value::Switch(false)) => {
            return Ok(Some(given));
        }
        (Kind::Command, Value::Switch(false)) => return Ok(None),
        (Kind::Switch, _) => "true or false".into(),
        (Kind::Command, _) => "true, which carries it out,".into(),
        (Kind::Integer { range: (from, to), step, .. }, Value::Integer(value))
            if (*from..=*to).contains(value) && value.wrapping_sub(*from) % (*step).max(1) == 0 =>
        {
            return Ok(Some(given));
        }
        (Kind::Integer { range: (from, to), step, unit: of }, _) => {
            let steps = if *step > 1 { format!(" in steps of {step}") } else { String::new() };
            format!("a whole number, {from} to {to}{}{steps},", unit(of))
        }
        (Kind::Number { range: (from, to), .. }, Value::Number(number)) if (*from..=*to).contains(number) => {
            return Ok(Some(given));
        }
        (Kind::Number { range: (from, to), .. }, Value::Integer(whole)) if (*from..=*to).contains(&(*whole as f64)) => {
            return Ok(Some(Value::Number(*whole as f64)));
        }
        (Kind::Number { range: (from, to), unit: of }, _) => format!("a number, {from} to {to}{},", unit(of)),
        (Kind::Word { known }, Value::Word(word)) if known.contains(word) => return Ok(Some(given)),
        (Kind::Word { known }, _) => format!("one of {}", listed(known)),
        (Kind::Text, Value::Word(_)) => return Ok(Some(given)),
        (Kind::Text, _) => "a text".into(),
    };
    Err(format!(" is {value} where {expected} is expected"))
}

fn listed(words: &[String]) -> String {
    let more = if words.len() > LISTED_MAX { ", ..." } else { "" };
    format!("{}{more}", words.iter().take(LISTED_MAX).cloned().collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// A camera of a table of features.
    #[derive(Default)]
    pub struct Table {
        features: BTreeMap<String, (Kind, Value)>,
        /// Features that can be used once another one has a value.
        locked: Vec<(&'static str, &'static str, Value)>,
        selectors: Vec<(&'static str, &'static str)>,
        /// What was set, in order.
        log: Vec<String>,
    }

    impl Table {
        pub fn add(&mut self, name: &str, kind: Kind, value: Value) {
            self.features.insert(name.into(), (kind, value));
        }

        pub fn value(&self, name: &str) -> Value {
            self.features[name].1.clone()
        }
    }

    impl Features for Table {
        fn has(&self, name: &str) -> bool {
            let open = |(locked, by, value): &(&str, &str, Value)| *locked != name || self.value(by) == *value;
            self.features.contains_key(name) && self.locked.iter().all(open)
        }

        fn names(&self) -> Vec<String> {
            self.features.keys().cloned().collect()
        }

        fn selectors(&self, name: &str) -> Vec<String> {
            self.selectors.iter().filter(|(of, _)| *of == name).map(|(_, selector)| selector.to_string()).collect()
        }

        fn kind(&self, name: &str) -> Result<Kind, String> {
            Ok(self.features[name].0.clone())
        }

        fn word(&self, name: &str) -> Result<String, String> {
            if let Value::Word(word) = self.value(name) { Ok(word) } else { Err("no word".into()) }
        }

        fn number(&self, name: &str) -> Result<f64, String> {
            if let Value::Number(number) = self.value(name) { Ok(number) } else { Err("no number".into()) }
        }

        fn switch(&self, name: &str) -> Result<bool, String> {
            if let Value::Switch(switch) = self.value(name) { Ok(switch) } else { Err("no switch".into()) }
        }

        fn set(&mut self, name: &str, value: &Value) -> Result<(), String> {
            self.log.push(format!("{name} = {value}"));
            self.features.get_mut(name).unwrap().1 = value.clone();
            Ok(())
        }
    }

    fn camera() -> Table {
        let mut camera = Table::default();
        let words = |known: &[&str]| Kind::Word { known: known.iter().map(|word| word.to_string()).collect() };
        let micro = Some("us".to_string());
        camera.add("ExposureTime", Kind::Number { range: (10.0, 5_000.0), unit: micro }, Value::Number(100.0));
        camera.add("Width", Kind::Integer { range: (16, 1280), step: 16, unit: None }, Value::Integer(640));
        camera.add("TriggerMode", words(&["Off", "On"]), Value::Word("Off".into()));
        camera.add("TriggerSource", words(&["Software", "Line0"]), Value::Word("Software".into()));
        camera.add(
            "TriggerSelector",
            words(&["AcquisitionStart", "FrameStart"]),
            Value::Word("AcquisitionStart".into()),
        );
        camera.add("ReverseX", Kind::Switch, Value::Switch(false));
        camera.add("DeviceUserID", Kind::Text, Value::Word(String::new()));
        camera.add("TimestampReset", Kind::Command, Value::Switch(false));
        camera.add("ComponentEnable", Kind::Switch, Value::Switch(false));
        camera.add("RegionSelector", words(&["Region0", "Scan3d"]), Value::Word("Region0".into()));
        camera.add("ComponentSelector", words(&["Intensity", "Range"]), Value::Word("Intensity".into()));
        camera.selectors = vec![
            ("TriggerMode", "TriggerSelector"),
            ("TriggerSource", "TriggerSelector"),
            ("ComponentEnable", "RegionSelector"),
            ("ComponentEnable", "ComponentSelector"),
        ];
        camera
    }

    /// What was set, or why a feature was not.
    fn applied(camera: &mut Table, features: &[(&str, Value)]) -> Result<Vec<String>, String> {
        let features = features.iter().map(|(name, value)| (name.to_string(), value.clone())).collect();
        apply(camera, "camera.genicam.features", &features)?;
        Ok(std::mem::take(&mut camera.log))
    }

    #[test]
    fn values_of_every_kind_are_set() {
        let word = |text: &str| Value::Word(text.into());
        let features = [
            ("DeviceUserID", word("line 3")),
            ("ExposureTime", Value::Integer(200)),
            ("ReverseX", Value::Switch(true)),
            ("TimestampReset", Value::Switch(true)),
            ("TriggerMode[FrameStart]", word("On")),
            ("Width", Value::Integer(1280)),
        ];
        let log = applied(&mut camera(), &features).unwrap();
        let expected = [
            "DeviceUserID = \"line 3\"",
            "ExposureTime = 200",
            "ReverseX = true",
            "TimestampReset = true",
            "TriggerSelector = \"FrameStart\"",
            "TriggerMode = \"On\"",
            "Width = 1280",
        ];
        assert_eq!(log, expected);
        assert!(applied(&mut camera(), &[("TimestampReset", Value::Switch(false))]).unwrap().is_empty());
        let log = applied(&mut camera(), &[("ComponentEnable[Scan3d][Range]", Value::Switch(true))]).unwrap();
        assert_eq!(log, ["RegionSelector = \"Scan3d\"", "ComponentSelector = \"Range\"", "ComponentEnable = true"]);
    }

    #[test]
    fn what_a_camera_does_not_take_is_refused_with_what_it_takes() {
        let word = |text: &str| Value::Word(text.into());
        for (name, value, words) in [
            ("ExposureTme", Value::Integer(1), "the nearest is ExposureTime"),
            ("ExposureTime", Value::Number(6_000.5), "is 6000.5 where a number, 10 to 5000 us, is expected"),
            ("ExposureTime", word("long"), "is \"long\" where a number"),
            ("Width", Value::Integer(650), "16 to 1280 in steps of 16"),
            ("Width", Value::Number(640.0), "a whole number"),
            ("TriggerMode", word("on"), "one of Off, On"),
            ("TriggerMode[Line0]", word("On"), "TriggerSelector knows AcquisitionStart, FrameStart"),
            ("Width[Line0]", Value::Integer(640), "has no selector"),
            ("Width[Line0", Value::Integer(640), "in brackets"),
            ("TriggerMod[FrameStart]", word("On"), "the nearest is TriggerMode"),
            ("ReverseX", Value::Integer(1), "true or false"),
            ("DeviceUserID", Value::Integer(1), "a text"),
        ] {
            let error = applied(&mut camera(), &[(name, value)]).unwrap_err();
            assert!(error.starts_with("camera.genicam.features.") && error.contains(words), "{error}");
        }
    }

    #[test]
    fn a_setting_that_depends_on_a_later_one_is_set_after_it() {
        let mut camera = camera();
        camera.locked = vec![("ExposureTime", "TriggerMode", Value::Word("On".into()))];
        let features = [("ExposureTime", Value::Integer(50)), ("TriggerMode", Value::Word("On".into()))];
        assert_eq!(applied(&mut camera, &features).unwrap(), ["TriggerMode = \"On\"", "ExposureTime = 50"]);
        camera.set("TriggerMode", &Value::Word("Off".into())).unwrap();
        let error = applied(&mut camera, &[("ExposureTime", Value::Integer(50))]).unwrap_err();
        assert!(error.contains("not available"), "{error}");
    }
}
