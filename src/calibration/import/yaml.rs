//! The values of a YAML file by where they stand, which is all that a calibration file needs.

use std::collections::BTreeMap;

use saphyr_parser::{Event, Parser};

/// Mappings and sequences inside one another.
const DEPTH_MAX: usize = 16;
/// OpenCV's own first line, which is no YAML.
const OPENCV_HEAD: &str = "%YAML:1.0";

/// Scalars by the keys that lead to them, joined with dots; the elements of a sequence are under one name.
pub type Values = BTreeMap<String, Vec<String>>;

/// An open mapping, with the key whose value comes next, or an open sequence.
enum Open {
    Mapping(Option<String>),
    Sequence,
}

/// Reads the first document of a text, whose length the caller has bounded. Aliases are refused: nothing grows.
pub fn values(text: &str) -> Result<Values, String> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let text = text.strip_prefix(OPENCV_HEAD).unwrap_or(text);
    let (mut values, mut open): (Values, Vec<Open>) = (Values::new(), Vec::new());
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| error.to_string())?;
        let at = |what: &str| format!("line {}: {what}", span.start.line());
        match event {
            Event::Alias(_) => return Err(at("an alias, which no calibration file has")),
            Event::DocumentEnd => break,
            Event::MappingStart(..) | Event::SequenceStart(..) if open.len() >= DEPTH_MAX => {
                return Err(at("more levels than any calibration file has"));
            }
            Event::MappingStart(..) | Event::SequenceStart(..) if awaits_key(&open) => {
                return Err(at("a key that is no text"));
            }
            Event::MappingStart(..) => open.push(Open::Mapping(None)),
            Event::SequenceStart(..) => open.push(Open::Sequence),
            Event::MappingEnd | Event::SequenceEnd => {
                open.pop();
                value_is_over(&mut open);
            }
            Event::Scalar(text, ..) => match open.last_mut() {
                Some(Open::Mapping(key @ None)) => *key = Some(text.into_owned()),
                _ => {
                    values.entry(path(&open)).or_default().push(text.into_owned());
                    value_is_over(&mut open);
                }
            },
            _ => {}
        }
    }
    Ok(values)
}

fn awaits_key(open: &[Open]) -> bool {
    matches!(open.last(), Some(Open::Mapping(None)))
}

fn value_is_over(open: &mut [Open]) {
    if let Some(Open::Mapping(key)) = open.last_mut() {
        *key = None;
    }
}

fn path(open: &[Open]) -> String {
    let keys = open.iter().filter_map(|open| match open {
        Open::Mapping(key) => key.as_deref(),
        Open::Sequence => None,
    });
    keys.collect::<Vec<_>>().join(".")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scalars_are_found_by_their_keys() {
        let text =
            "%YAML:1.0\n---\na: 3\nm: !!opencv-matrix\n   rows: 1\n   data: [ 1., 2.5e-3,\n       -3 ]\nq: \"x: y\"\n";
        let values = values(text).unwrap();
        let list = |of: &[&str]| of.iter().map(|v| v.to_string()).collect::<Vec<_>>();
        assert_eq!(values["a"], list(&["3"]));
        assert_eq!(values["m.rows"], list(&["1"]));
        assert_eq!(values["m.data"], list(&["1.", "2.5e-3", "-3"]));
        assert_eq!(values["q"], list(&["x: y"]));
    }

    #[test]
    fn only_the_first_document_counts() {
        assert_eq!(values("a: 1\n---\na: 2\n").unwrap()["a"], ["1"]);
    }

    #[test]
    fn what_no_calibration_has_is_refused() {
        let deep = format!("a: {}1{}", "[".repeat(40), "]".repeat(40));
        for (text, word) in [
            ("a: &x [1]\nb: [*x, *x]\n", "alias"),
            (deep.as_str(), "levels"),
            ("? [1, 2]\n: 3\n", "key"),
            ("a: [1, 2\n", ""),
            ("a: 'x\n", ""),
        ] {
            let error = values(text).unwrap_err();
            assert!(error.contains(word), "{text}: {error}");
        }
    }
}
