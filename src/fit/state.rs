//! The state from which a fit that was stopped goes on.

use std::collections::HashMap;
use std::fmt::Debug;
use std::fs::File;
use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use safetensors::SafeTensors;
use safetensors::tensor::TensorView;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::error::FitError;
use super::settings::{FitSettings, Turned};
use super::trainer::Trainer;
use crate::backend::learner::LearnerState;
use crate::files;
use crate::model::MappingWeights;
use crate::model::engine_file::Engine;
use crate::prepare::Preparation;

/// Two mappings of the published sizes with their moments have 60 MB; a larger file is something else.
const FILE_BYTES_MAX: u64 = 1 << 30;
const KEY: &str = "crosscheck.fit";
/// The hash of the text of [`KEY`] and all tensors.
const SHA256: &str = "crosscheck.fit.sha256";

/// What must be equal for a fit to be the same fit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Key {
    engine_sha256: String,
    settings: FitSettings,
    /// The scene may have been given beside the engine.
    preparation: Preparation,
    /// Fingerprints of the frames, in their order.
    fingerprints: Vec<String>,
    /// A frame may show several parts.
    parts: usize,
}

#[derive(Serialize, Deserialize)]
struct Position {
    key: Key,
    epochs_done: usize,
    adam_steps: i32,
    best_loss: Option<f64>,
}

/// Where the state of a fit is kept whose engine is to be written to `path`.
pub fn beside(path: &Path) -> PathBuf {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".state");
    beside.into()
}

pub fn key(engine: &Engine, settings: &FitSettings, trainer: &Trainer, fingerprints: &[String]) -> Key {
    Key {
        engine_sha256: engine.content_sha256.clone(),
        settings: *settings,
        preparation: engine.metadata.preparation.clone(),
        fingerprints: fingerprints.to_vec(),
        parts: trainer.parts(),
    }
}

impl Key {
    /// How the fit of a state differs from this one, in words.
    fn difference(&self, state: &Self) -> Option<String> {
        let (a, b) = (&state.settings, &self.settings);
        let other = |what: &str, state: &dyn Debug, own: &dyn Debug| {
            Some(format!("it is of other settings: {what} {state:?} where this fit has {own:?}"))
        };
        if state.engine_sha256 != self.engine_sha256 {
            let short = |hash: &str| hash.chars().take(12).collect::<String>();
            let (theirs, own) = (short(&state.engine_sha256), short(&self.engine_sha256));
            return Some(format!("it is of another engine: content {theirs} where this fit starts from {own}"));
        }
        if a.epochs != b.epochs {
            return other("--epochs", &a.epochs, &b.epochs);
        }
        if a.pixels != b.pixels {
            return other("--pixels", &a.pixels, &b.pixels);
        }
        if a.seed != b.seed {
            return other("--seed", &a.seed, &b.seed);
        }
        if a.held_out != b.held_out {
            return other("share held out", &a.held_out, &b.held_out);
        }
        if a.score != b.score {
            return other("--score", &a.score, &b.score);
        }
        if a.copies != b.copies {
            return other("--copies", &a.copies, &b.copies);
        }
        if a.turned != b.turned {
            return other("turned copies", &a.turned.name(), &b.turned.name());
        }
        if a.decay != b.decay {
            return other("--decay", &a.decay.name(), &b.decay.name());
        }
        if state.preparation != self.preparation {
            let (theirs, own) = (&state.preparation, &self.preparation);
            return Some(format!("it is of another scene: {theirs:?} where this fit has {own:?}"));
        }
        self.other_frames(state)
    }

    fn other_frames(&self, state: &Self) -> Option<String> {
        let (theirs, own) = (&state.fingerprints, &self.fingerprints);
        let sorted = |frames: &[String]| {
            let mut frames = frames.to_vec();
            frames.sort();
            frames
        };
        if theirs.len() != own.len() {
            return Some(format!("it is of other frames: {} where this fit has {}", theirs.len(), own.len()));
        }
        if theirs != own && sorted(theirs) == sorted(own) {
            return Some("it is of the same frames in another order: their names were changed".into());
        }
        if let Some(i) = theirs.iter().zip(own).position(|(a, b)| a != b) {
            return Some(format!("it is of other frames: frame {} of {} is another one", i + 1, own.len()));
        }
        let (theirs, own) = (state.parts, self.parts);
        (theirs != own)
            .then(|| format!("it is of other parts: {theirs} were found in the frames where now there are {own}"))
    }
}

/// Stores the state for another run, whole or not at all.
pub fn store(path: &Path, key: &Key, trainer: &Trainer) -> Result<(), FitError> {
    let mut tensors = trainer.learner.state()?;
    if let Some((_, best)) = &trainer.best {
        tensors.extend(best.iter().map(|(name, values)| (format!("best.{name}"), values.clone())));
    }
    if let Some(name) = not_finite(&tensors) {
        return Err(FitError::NotFinite { name });
    }
    let best_loss = trainer.best.as_ref().map(|(loss, _)| *loss);
    let (epochs_done, adam_steps) = (trainer.epochs_done, trainer.adam.steps());
    let position = Position { key: key.clone(), epochs_done, adam_steps, best_loss };
    files::write_whole(path, |file| {
        let header = serde_json::to_string(&position)?;
        let info = HashMap::from([(KEY.to_string(), header.clone()), (SHA256.to_string(), hash(&header, &tensors))]);
        let bytes: Vec<(&String, Vec<u8>)> =
            tensors.iter().map(|(name, v)| (name, v.iter().flat_map(|x| x.to_le_bytes()).collect())).collect();
        let views: Result<Vec<_>, _> = bytes
            .iter()
            .map(|(name, b)| TensorView::new(safetensors::Dtype::F32, vec![b.len() / 4], b).map(|view| (name, view)))
            .collect();
        let views = views.map_err(std::io::Error::other)?;
        file.write_all(&safetensors::serialize(views, Some(info)).map_err(std::io::Error::other)?)
    })
    .map_err(|source| FitError::StateWrite { path: path.into(), source })
}

/// Removes the state of a fit whose engine is written.
pub fn remove(path: &Path) -> Result<(), FitError> {
    files::remove(path).map_err(|source| FitError::StateWrite { path: path.into(), source })
}

/// The first tensor, by name, with a value that is not finite.
pub fn not_finite(tensors: &LearnerState) -> Option<String> {
    let names = tensors.iter().filter(|(_, values)| !values.iter().all(|v| v.is_finite())).map(|(name, _)| name);
    names.min().cloned()
}

fn hash(header: &str, tensors: &LearnerState) -> String {
    let mut hash = Sha256::new_with_prefix(header);
    let mut names: Vec<&String> = tensors.keys().collect();
    names.sort();
    for name in names {
        hash.update(format!("{name} {}\n", tensors[name].len()));
        tensors[name].iter().for_each(|v| hash.update(v.to_le_bytes()));
    }
    files::hex(&hash.finalize())
}

/// What the fit of a state had chosen about turned copies, so that it is not tried again.
pub fn turned(path: &Path) -> Result<Turned, FitError> {
    let (position, _) = read(path).map_err(|reason| FitError::StateRead { path: path.into(), reason })?;
    Ok(position.key.settings.turned)
}

/// Continues from a state that [`store`] left.
pub fn restore(path: &Path, key: &Key, trainer: &mut Trainer) -> Result<(), FitError> {
    let refused = |reason: String| FitError::StateRead { path: path.into(), reason };
    let (position, mut state) = read(path).map_err(refused)?;
    if let Some(difference) = key.difference(&position.key) {
        return Err(refused(difference));
    }
    let best: MappingWeights =
        state.iter().filter_map(|(name, v)| Some((name.strip_prefix("best.")?.to_string(), v.clone()))).collect();
    let sound = position.epochs_done <= key.settings.epochs
        && position.adam_steps >= 0
        && position.best_loss.is_none_or(|loss| loss.is_finite() && trainer.fits(&best));
    if let Some(name) = not_finite(&state) {
        return Err(refused(format!("{name} in it has a value that is not finite")));
    }
    if !sound || !trainer.learner.restore(&mut state)? {
        return Err(refused("it is damaged: its tensors are not those of these mappings".into()));
    }
    trainer.best = position.best_loss.map(|loss| (loss, best));
    trainer.epochs_done = position.epochs_done;
    trainer.adam = trainer.adam.after(position.adam_steps);
    Ok(())
}

/// Reads the file as it was stored; an error is the reason why it is not a state.
fn read(path: &Path) -> Result<(Position, LearnerState), String> {
    let file = File::open(path).map_err(|error| match error.kind() {
        ErrorKind::NotFound => {
            "there is no state: the fit was not begun, or it was finished, or ended before its first \
                                state was kept"
                .to_string()
        }
        _ => error.to_string(),
    })?;
    let mut bytes = Vec::new();
    file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(|e| e.to_string())?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        return Err(format!("it has more than {FILE_BYTES_MAX} bytes"));
    }
    let (_, header) = SafeTensors::read_metadata(&bytes).map_err(|e| e.to_string())?;
    let info = header.metadata().as_ref();
    let text = |key| info.and_then(|m| m.get(key));
    let position = text(KEY).ok_or("it is no state of a fit")?;
    let written = text(SHA256).ok_or("it is of an earlier version of this program, which kept no hash of it")?;
    let tensors = SafeTensors::deserialize(&bytes).map_err(|e| e.to_string())?;
    let decode = |data: &[u8]| data.as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect::<Vec<f32>>();
    let state: LearnerState = tensors.iter().map(|(name, view)| (name.to_string(), decode(view.data()))).collect();
    if hash(position, &state) != *written {
        return Err("it is damaged: its content is not what was written".into());
    }
    let position = serde_json::from_str(position).map_err(|e| e.to_string())?;
    Ok((position, state))
}
