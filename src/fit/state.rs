//! What a fit that was broken off needs to go on.

use std::collections::HashMap;
use std::path::Path;

use safetensors::SafeTensors;
use safetensors::tensor::TensorView;
use serde::{Deserialize, Serialize};

use super::trainer::Trainer;
use super::{FitError, Settings};
use crate::backend::learner::Adam;
use crate::files;
use crate::model::Weights;
use crate::model::engine_file::Engine;
use crate::prepare::Preparation;

/// Two mappings of the published sizes with their moments have 60 MB; a larger file is something else.
const FILE_BYTES_MAX: u64 = 1 << 30;
const KEY: &str = "crosscheck.fit";

/// What must be equal for a fit to be the same fit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Key {
    engine_sha256: String,
    settings: Settings,
    /// The scene may have been given beside the engine.
    preparation: Preparation,
    frames: usize,
}

#[derive(Serialize, Deserialize)]
struct Position {
    key: Key,
    epochs_done: usize,
    adam_steps: i32,
    best_loss: Option<f64>,
}

pub fn key(engine: &Engine, settings: &Settings, trainer: &Trainer) -> Key {
    let preparation = engine.metadata.preparation.clone();
    let engine_sha256 = engine.content_sha256.clone();
    Key { engine_sha256, settings: *settings, preparation, frames: trainer.cache.len() }
}

/// Leaves the state for another run; removes it when the fit is through.
pub fn store(path: &Path, key: &Key, trainer: &Trainer, epochs: usize) -> Result<(), FitError> {
    let failed = |source| FitError::StateWrite { path: path.into(), source };
    if trainer.epochs_done >= epochs {
        return match std::fs::remove_file(path) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(failed(e)),
            _ => Ok(()),
        };
    }
    let mut tensors = trainer.learner.state()?;
    if let Some((_, best)) = &trainer.best {
        tensors.extend(best.iter().map(|(name, values)| (format!("best.{name}"), values.clone())));
    }
    let best_loss = trainer.best.as_ref().map(|(loss, _)| *loss);
    let (epochs_done, adam_steps) = (trainer.epochs_done, trainer.adam.steps());
    let position = Position { key: key.clone(), epochs_done, adam_steps, best_loss };
    files::write_whole(path, |file| {
        let header = serde_json::to_string(&position)?;
        let bytes: Vec<(String, Vec<u8>)> =
            tensors.into_iter().map(|(name, v)| (name, v.iter().flat_map(|x| x.to_le_bytes()).collect())).collect();
        let views: Result<Vec<_>, _> = bytes
            .iter()
            .map(|(name, b)| TensorView::new(safetensors::Dtype::F32, vec![b.len() / 4], b).map(|view| (name, view)))
            .collect();
        let info = HashMap::from([(KEY.to_string(), header)]);
        let views = views.map_err(std::io::Error::other)?;
        safetensors::serialize_to_file(views, Some(info), file.path()).map_err(std::io::Error::other)
    })
    .map_err(failed)
}

/// Continues from a state that [`store`] left.
pub fn restore(path: &Path, key: &Key, trainer: &mut Trainer) -> Result<(), FitError> {
    let refused = |reason: String| FitError::StateRead { path: path.into(), reason };
    let bytes = std::fs::metadata(path).map_err(|e| refused(e.to_string()))?.len();
    if bytes > FILE_BYTES_MAX {
        return Err(refused(format!("it has {bytes} bytes")));
    }
    let bytes = std::fs::read(path).map_err(|e| refused(e.to_string()))?;
    let (_, header) = SafeTensors::read_metadata(&bytes).map_err(|e| refused(e.to_string()))?;
    let position =
        header.metadata().as_ref().and_then(|m| m.get(KEY)).ok_or_else(|| refused("it is no state".into()))?;
    let position: Position = serde_json::from_str(position).map_err(|e| refused(e.to_string()))?;
    if position.key != *key {
        return Err(refused("it is of another engine, other frames or other settings".into()));
    }
    let tensors = SafeTensors::deserialize(&bytes).map_err(|e| refused(e.to_string()))?;
    let decode = |data: &[u8]| data.as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect::<Vec<f32>>();
    let mut state: Weights = tensors.iter().map(|(name, view)| (name.to_string(), decode(view.data()))).collect();
    let complete = trainer.learner.restore(&mut state)?;
    let best: Weights =
        state.into_iter().filter_map(|(name, v)| Some((name.strip_prefix("best.")?.to_string(), v))).collect();
    if !complete || position.best_loss.is_some() && !trainer.fits(&best) {
        return Err(refused("it is damaged".into()));
    }
    trainer.best = position.best_loss.map(|loss| (loss, best));
    trainer.epochs_done = position.epochs_done;
    trainer.adam = Adam::after(position.adam_steps);
    Ok(())
}
