use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::check::{Problems, resolve};
use crate::backend::Choice;
use crate::model::engine_file::{self, EngineError};
use crate::signature::{self, Keys};

/// `[engine]`: the engine that judges the parts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Engine {
    /// A fitted and calibrated engine file.
    pub path: PathBuf,
    /// A part is rejected above this score; the engine's own threshold if left out. Reloaded on SIGHUP.
    pub threshold: Option<f32>,
    /// A part above this score is to be reviewed, and is rejected; needs `threshold`. If left out, the review band of
    /// the calibration stays. Reloaded on SIGHUP.
    pub review: Option<f32>,
    /// The least and the largest threshold that the live page may set. If left out, they are half and twice the
    /// calibrated threshold, extended to include `threshold`. Reloaded on SIGHUP.
    pub threshold_range: Option<[f32; 2]>,
    /// Machine that runs the engine: `auto`, `cpu` or `cuda`.
    #[serde(default)]
    pub backend: Choice,
    /// Arithmetic of the large products: `f32`, `f16`, `bf16`, `int8` (the mappings' hidden units in int8, the other
    /// products as with `auto`), or `auto`, which is bf16 or f16 if that is faster.
    #[serde(default)]
    pub precision: Precision,
    /// Public keys, each as text or as the path of a file. One of them must have signed the engine (`crosscheck sign`).
    /// If left out, any engine is accepted. Reloaded on SIGHUP.
    pub keys: Option<Vec<String>>,
    /// Frames that a new engine is checked on before it takes over: a folder with `rgb/` and `xyz/` inside.
    pub check_frames: Option<PathBuf>,
}

/// The values of `engine.precision`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Precision {
    #[default]
    F32,
    F16,
    Bf16,
    Int8,
    Auto,
}

crate::words::words!(serde Precision {
    F32 = "f32",
    F16 = "f16",
    Bf16 = "bf16",
    Int8 = "int8",
    Auto = "auto",
});

impl Engine {
    /// Reads the engine. If keys are given, one of them must have signed it; its number is returned too.
    pub fn read(&self) -> Result<(engine_file::Engine, Option<String>), EngineError> {
        let Some(keys) = &self.keys else { return Ok((engine_file::Engine::read(&self.path)?, None)) };
        let (engine, signer) = engine_file::Engine::read_signed(&self.path, &Keys::read(keys)?)?;
        Ok((engine, Some(signer)))
    }

    pub(super) fn check(&self, problems: &mut Problems) {
        problems.path("engine.path", &self.path);
        for (name, value) in [("engine.threshold", self.threshold), ("engine.review", self.review)] {
            if let Some(value) = value {
                problems.range(name, value, 0.0..=1e6);
            }
        }
        if let Some([least, largest]) = self.threshold_range {
            problems.range("engine.threshold_range", least, f32::MIN_POSITIVE..=1e6);
            problems.range("engine.threshold_range", largest, least..=1e6);
            if self.threshold.is_some_and(|threshold| !(least..=largest).contains(&threshold)) {
                problems.say(format!(
                    "engine.threshold is {} where engine.threshold_range, {least} to {largest}, is expected to hold it",
                    self.threshold.unwrap_or_default()
                ));
            }
        }
        if self.keys.as_ref().is_some_and(Vec::is_empty) {
            problems.say("engine.keys is empty, so no engine would be accepted: name a key, or leave it out".into());
        }
        match (self.threshold, self.review) {
            (None, Some(_)) => problems.say("engine.review is given without engine.threshold: give both".into()),
            (Some(threshold), Some(review)) if review > threshold => {
                problems
                    .say(format!("engine.review is {review} where at most engine.threshold, {threshold}, is expected"));
            }
            _ => {}
        }
    }

    pub(super) fn resolve(&mut self, folder: &Path) {
        resolve(&mut self.path, folder);
        if let Some(path) = &mut self.check_frames {
            resolve(path, folder);
        }
        for key in self.keys.iter_mut().flatten().filter(|key| !signature::is_public_key(key)) {
            *key = folder.join(&*key).to_string_lossy().into_owned();
        }
    }
}
