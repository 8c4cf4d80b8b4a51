//! The station's configuration: one TOML file, in which every value has its range. Durations are milliseconds here and
//! whole nanoseconds everywhere else.

pub mod audit;
pub mod camera;
mod check;
pub mod engine;
mod file;
pub mod genicam;
pub mod gpio;
pub mod mqtt;
pub mod plc;
pub mod realsense;
pub mod recipe;
pub mod record;
pub mod regions;
pub mod reject;
pub mod scene;
mod secret;
pub mod teach;
pub mod trace;
pub mod trigger;
pub mod view;

use std::path::Path;

use serde::{Deserialize, Serialize};

use check::Problems;
pub use file::ConfigError;
use file::{FILE_BYTES_MAX, TextSha256, parse};
use reject::{Polarity, Sink};
use trigger::TriggerSource;

use crate::calibration::CalibrationError;
use crate::prepare::{PartChoice, Preparation};
use crate::text;

/// Least decision lead at the belt's top speed: the actuator must wake up within it.
const LEAD_MS_MIN: f64 = 1.0;

/// The configuration of a whole station. Relative paths start from the folder of the file that they stand in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Station {
    pub engine: engine::Engine,
    pub camera: camera::Camera,
    pub trigger: trigger::Trigger,
    pub encoder: Option<trigger::Encoder>,
    pub reject: reject::Reject,
    #[serde(default)]
    pub actuator: reject::Actuator,
    #[serde(default)]
    pub gpio: gpio::Gpio,
    pub record: Option<record::Record>,
    #[serde(default)]
    pub view: view::View,
    pub mqtt: Option<mqtt::Mqtt>,
    pub trace: Option<trace::Trace>,
    pub audit: Option<audit::Audit>,
    pub plc: Option<plc::Plc>,
    pub teach: Option<teach::Teach>,
    /// The scene; the engine's own if left out.
    pub scene: Option<scene::Scene>,
    #[serde(default)]
    pub regions: regions::Regions,
    /// The products of the line; none where it has one.
    #[serde(default, rename = "recipe", skip_serializing_if = "Vec::is_empty")]
    pub recipes: Vec<recipe::Recipe>,
    /// The number of the recipe that is in force; 0 where there is none.
    #[serde(skip)]
    pub active_recipe: u16,
    /// Of the text that this was read from.
    #[serde(skip)]
    pub sha256: TextSha256,
}

impl Station {
    /// Reads and checks a file, and adds the recipes that were taught.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let mut station = Self::parse(&text::read(path, FILE_BYTES_MAX)?, path)?;
        let taught = station.teach.as_ref().map_or(Ok(Vec::new()), teach::Teach::recipes)?;
        for recipe in taught {
            station = station.taught(recipe, path)?;
        }
        Ok(station)
    }

    /// The station with a recipe that was taught: it is a new one, or takes the place of the one of the same number in
    /// all that can be taught. `path`: the file of this configuration, for the error.
    pub fn taught(mut self, recipe: recipe::Recipe, path: &Path) -> Result<Self, ConfigError> {
        match self.recipes.iter_mut().find(|known| known.number == recipe.number) {
            Some(known) => known.learn(recipe),
            None => self.recipes.push(recipe),
        }
        let mut problems = Problems::default();
        self.check_recipes(&[], &mut problems);
        match problems.found() {
            [] => Ok(self),
            found => Err(ConfigError::Invalid { path: path.display().to_string(), problems: found.to_vec() }),
        }
    }

    /// Parses and checks the text of the file at `path`.
    pub fn parse(text: &str, path: &Path) -> Result<Self, ConfigError> {
        let mut station: Self = parse(text, path)?;
        let mut problems = Problems::default();
        station.check_one(&mut problems);
        let known = problems.found().to_vec();
        station.check_recipes(&known, &mut problems);
        if !problems.found().is_empty() {
            return Err(ConfigError::Invalid { path: path.display().to_string(), problems: problems.found().to_vec() });
        }
        station.resolve(path.parent().unwrap_or(Path::new("")));
        station.sha256 = TextSha256::of(text);
        Ok(station)
    }

    /// The station with the recipe of this number in force; none where it has no such recipe.
    pub fn in_recipe(&self, number: u16) -> Option<Self> {
        self.recipes.iter().find(|recipe| recipe.number == number).map(|recipe| self.with(recipe))
    }

    /// The recipe that a station starts in unless it ran in another one before: its first one. One that was taught comes
    /// after the others, and after `[engine]`, if that has a file.
    pub fn first_recipe(&self) -> Option<&recipe::Recipe> {
        let is_taught = |recipe: &&recipe::Recipe| self.teach.as_ref().is_some_and(|teach| teach.has(recipe));
        let own = self.recipes.iter().find(|recipe| !is_taught(recipe));
        own.or_else(|| self.recipes.first().filter(|_| !self.engine.path.exists()))
    }

    /// Whether there is no engine yet, and one may be taught.
    pub fn is_untaught(&self) -> bool {
        self.teach.is_some() && !self.engine.path.exists()
    }

    /// The station with each of its recipes in force, or as it is where it has none.
    pub fn in_each_recipe(&self) -> Vec<Self> {
        match self.recipes.is_empty() {
            true => vec![self.clone()],
            false => self.recipes.iter().map(|recipe| self.with(recipe)).collect(),
        }
    }

    fn with(&self, recipe: &recipe::Recipe) -> Self {
        let mut station = self.clone();
        station.active_recipe = recipe.number;
        recipe.apply(&mut station.engine, &mut station.reject, &mut station.camera);
        recipe::over(&mut station.scene, &recipe.scene);
        if let Some(regions) = &recipe.regions {
            station.regions.clone_from(regions);
        }
        station
    }

    /// Returns which other users may read the token of this configuration, whose file is at `path`.
    pub fn token_exposure(&self, path: &Path) -> Option<String> {
        self.view.token.as_ref().and_then(|_| secret::exposure(path))
    }

    /// Refuses files with secrets that other users may read. `path` is the file of this configuration, for the error.
    pub fn check_secret_files(&self, path: &Path) -> Result<(), ConfigError> {
        let files = self.mqtt.iter().flat_map(mqtt::Mqtt::secret_files);
        let exposed = files.filter_map(|(key, file)| Some(format!("{key}: {}", secret::exposure(file)?)));
        let problems: Vec<String> = exposed.collect();
        match problems.is_empty() {
            true => Ok(()),
            false => Err(ConfigError::Invalid { path: path.display().to_string(), problems }),
        }
    }

    /// Returns how frames are prepared without an engine: in the scene of this configuration, or as published.
    pub fn preparation(&self) -> Result<Preparation, CalibrationError> {
        let published = Preparation::default();
        self.scene.as_ref().map_or(Ok(published.clone()), |scene| scene.prepare(&published))
    }

    /// Checks everything but the recipes.
    fn check_one(&self, problems: &mut Problems) {
        self.engine.check(problems);
        self.camera.check(problems);
        self.trigger.check(problems);
        if let Some(encoder) = &self.encoder {
            encoder.check(problems);
        }
        self.reject.check(problems);
        self.actuator.check(problems);
        self.gpio.check(problems);
        if let Some(record) = &self.record {
            record.check(problems);
        }
        self.view.check(problems);
        if let Some(mqtt) = &self.mqtt {
            mqtt.check(problems);
        }
        if let Some(trace) = &self.trace {
            trace.check(problems);
        }
        if let Some(audit) = &self.audit {
            audit.check(problems);
        }
        self.check_audit(problems);
        if let Some(plc) = &self.plc {
            plc.check(problems);
        }
        if let Some(teach) = &self.teach {
            teach.check(problems);
        }
        self.regions.check(problems);
        if let Some(scene) = &self.scene {
            scene.check(problems);
        }
        self.check_trigger(problems);
        self.check_gpio(problems);
        self.check_encoder(problems);
    }

    /// Checks each recipe as if it were in force. What is wrong with the station itself is `known` and not said again.
    fn check_recipes(&self, known: &[String], problems: &mut Problems) {
        problems.range("[[recipe]]: the number of recipes", self.recipes.len(), 0..=recipe::RECIPES_MAX);
        for (i, recipe) in self.recipes.iter().enumerate() {
            let mut own = Problems::default();
            recipe.check(&self.recipes[..i], self.camera.source, &mut own);
            self.with(recipe).check_one(&mut own);
            for problem in own.found().iter().filter(|problem| !known.contains(problem)) {
                problems.say(format!("recipe {} ({}): {problem}", recipe.number, recipe.name));
            }
        }
    }

    /// A part is found in frames by the points above the belt, so some triggers exclude some choices of the part.
    fn check_trigger(&self, problems: &mut Problems) {
        let part = self.scene.as_ref().map(|scene| scene.part);
        if self.trigger.source == TriggerSource::Free && part == Some(PartChoice::Everything) {
            problems.say(
                "trigger.source is \"free\" with scene.part = \"everything\": without a belt no part can be found in frames; use another trigger".into(),
            );
        }
        if self.trigger.source == TriggerSource::Frame && part == Some(PartChoice::Each) {
            problems.say(
                "trigger.source is \"frame\", one part for each frame, with scene.part = \"each\": use trigger.source = \"free\", or scene.part = \"centre\"".into(),
            );
        }
    }

    /// Whoever has an account is responsible for what they do: it is recorded.
    fn check_audit(&self, problems: &mut Problems) {
        if self.view.accounts.is_some() && self.audit.is_none() {
            problems.say(
                "view.accounts is given without [audit]: what people do at the station is recorded; add [audit] with file = \"audit.sqlite\"".into(),
            );
        }
        let file = self.audit.as_ref().map(|audit| &audit.file);
        if file.is_some() && file == self.trace.as_ref().map(|trace| &trace.file) {
            problems.say("audit.file is trace.file: each needs a file of its own".into());
        }
    }

    /// Triggers and outputs need their GPIO lines.
    fn check_gpio(&self, problems: &mut Problems) {
        if self.trigger.source == TriggerSource::Gpio && self.gpio.trigger.is_none() {
            problems.say("trigger.source is \"gpio\" without [gpio.trigger]: name the photo-eye's line".into());
        }
        if self.actuator.sink == Sink::Gpio && self.gpio.reject.is_none() {
            problems
                .say("actuator.sink is \"gpio\" without [gpio.reject]: name the ejector's line, or use \"log\"".into());
        }
        let wanted = match self.reject.polarity {
            Polarity::DeenergiseToReject => gpio::Level::Inactive,
            Polarity::EnergiseToReject => gpio::Level::Active,
        };
        let safe = self.gpio.reject.as_ref().and_then(|reject| reject.safe_state);
        if safe.is_some_and(|safe| safe != wanted) {
            problems.say("gpio.reject.safe_state would let parts pass: leave it out, or change reject.polarity".into());
        }
    }

    fn check_encoder(&self, problems: &mut Problems) {
        let counted = self.reject.delay_counts.is_some() || self.trigger.source == TriggerSource::Encoder;
        let Some(encoder) = &self.encoder else {
            if counted {
                problems.say("encoder counts are used without [encoder]: give its counts_per_s_max".into());
            }
            return;
        };
        if self.gpio.encoder.is_none() {
            problems.say("[encoder] is given without [gpio.encoder]: name its line".into());
        }
        let (Some(delay), Some(lead)) = (self.reject.delay_counts, self.reject.decision_lead_counts) else { return };
        let ms_from_counts = |counts: u32| 1e3 * f64::from(counts) / f64::from(encoder.counts_per_s_max);
        let (delay_ms, lead_ms) = (ms_from_counts(delay), ms_from_counts(lead));
        if lead_ms < LEAD_MS_MIN {
            problems.say(format!(
                "reject.decision_lead_counts is {lead}, {lead_ms:.3} ms at encoder.counts_per_s_max, where at least {LEAD_MS_MIN} ms is expected"
            ));
        }
        if encoder.stopped_ms >= delay_ms {
            // Otherwise a part would pass the ejector before a dead encoder is noticed.
            problems.say(format!(
                "encoder.stopped_ms is {} where less than reject.delay_counts at encoder.counts_per_s_max, {delay_ms:.3} ms, is expected",
                encoder.stopped_ms
            ));
        }
    }

    fn resolve(&mut self, folder: &Path) {
        self.engine.resolve(folder);
        self.camera.resolve(folder);
        if let Some(record) = &mut self.record {
            record.resolve(folder);
        }
        if let Some(mqtt) = &mut self.mqtt {
            mqtt.resolve(folder);
        }
        if let Some(trace) = &mut self.trace {
            trace.resolve(folder);
        }
        if let Some(audit) = &mut self.audit {
            audit.resolve(folder);
        }
        self.view.resolve(folder);
        if let Some(teach) = &mut self.teach {
            teach.resolve(folder);
        }
        self.regions.resolve(folder);
        self.recipes.iter_mut().for_each(|recipe| recipe.resolve(folder));
        if let Some(scene) = &mut self.scene {
            scene.resolve(folder);
        }
    }
}

/// A duration within its range, in whole nanoseconds.
pub fn ns_from_ms(ms: f64) -> u64 {
    (ms * 1e6).round() as u64
}
