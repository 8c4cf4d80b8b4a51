//! Whether turned copies help, found out by trying.
//!
//! Parts that lie at any angle are learnt better with turned copies; parts that lie in guides are learnt worse, since the
//! mappings then accept angles, shadows and views that no good part has.

use std::ops::ControlFlow;

use super::cache::TokenCache;
use super::error::FitError;
use super::settings::{FitSettings, Progress, Turned};
use super::trainer::{HELD_OUT_FRAMES_MIN, Trainer};
use super::versions::Versions;
use crate::backend::Choice;
use crate::model::Architecture;

/// Of the epochs of the fit, each of the two trials runs one in so many.
const EPOCHS_SHARE: usize = 4;
/// Of the parts, one in so many is held out, within bounds.
const HELD_OUT_SHARE: usize = 5;
const HELD_OUT_MIN: usize = 2;
const HELD_OUT_MAX: usize = 8;

/// Fits twice for a share of the epochs, without and with the turned copies, and chooses what has the lower loss on held-out
/// parts, which are not turned. Gives back the cache.
pub fn choose(
    choice: Choice,
    architecture: &Architecture,
    mut cache: TokenCache,
    parts: &[Versions],
    settings: &FitSettings,
    observe: &mut dyn FnMut(&Progress) -> ControlFlow<()>,
) -> Result<(Turned, TokenCache), FitError> {
    if parts.len() < HELD_OUT_FRAMES_MIN || parts.iter().all(|part| part.turned.is_empty()) {
        log::info!("turned copies are not used: there are too few good parts to try them, or none that can be turned");
        return Ok((Turned::Never, cache));
    }
    let held_out = (parts.len() as f64 / HELD_OUT_SHARE as f64).round() as usize;
    let held_out = held_out.clamp(HELD_OUT_MIN, HELD_OUT_MAX);
    let trial = FitSettings {
        epochs: (settings.epochs / EPOCHS_SHARE).max(1),
        held_out: held_out as f64 / parts.len() as f64,
        ..*settings
    };
    let mut losses = [f64::INFINITY; 2];
    for (loss, with_turned) in losses.iter_mut().zip([false, true]) {
        let versions = parts.iter().map(|part| part.all(with_turned)).collect();
        let mut trainer = Trainer::new(choice, architecture, cache, versions, &trial)?;
        while trainer.epochs_done() < trial.epochs {
            let progress = Progress { is_trial: true, ..trainer.epoch()? };
            *loss = progress.held_out_loss.unwrap_or(f64::INFINITY);
            if observe(&progress).is_break() {
                return Err(FitError::Interrupted);
            }
        }
        cache = trainer.into_cache();
    }
    let [without, with] = losses;
    let (turned, word) = if with < without { (Turned::Always, "used") } else { (Turned::Never, "not used") };
    log::info!(
        "turned copies are {word}: the loss on {held_out} good parts that were held out is {with:.4} with them and {without:.4} without"
    );
    Ok((turned, cache))
}
