//! What a fit learns for the check for gaps: the areas of its good parts, and the score of a part with an area at its limit.

use super::error::FitError;
use crate::backend::{AnomalyMaps, Choice, Evaluation, Features};
use crate::gap::{GapLearner, GapModel};
use crate::model::engine_file::{Engine, Gaps};
use crate::prepare::NetworkInput;
use crate::score;

/// Parts that the fitted engine is run on, the first ones: 2 MB each are kept until then.
const SCORED_MAX: usize = 16;
/// Where every good part has the score 0, which only parts without a pixel have.
const SCORE_MIN: f32 = f32::MIN_POSITIVE;

/// The good parts of a fit that learns the check for gaps.
#[derive(Default)]
pub struct GoodOutlines {
    learner: GapLearner,
    scored: Vec<NetworkInput>,
}

impl GoodOutlines {
    pub fn add(&mut self, part: &NetworkInput) {
        self.learner.add(part);
        if self.scored.len() < SCORED_MAX {
            self.scored.push(part.clone());
        }
    }

    /// Writes limits and places into the engine, which is fitted, with the largest score of the kept parts.
    pub fn finish(self, choice: Choice, engine: &mut Engine) -> Result<(), FitError> {
        let Some(GapModel { limits, places }) = self.learner.finish() else { return Ok(()) };
        let evaluation = Evaluation { stride: engine.metadata.preparation.stride, ..Evaluation::default() };
        let weights = engine.weights.clone();
        let mut backend = choice.machine().inspector(&engine.metadata.architecture, weights, evaluation)?;
        let (mut features, mut maps) = (Features::default(), AnomalyMaps::default());
        let mut largest = SCORE_MIN;
        for part in &self.scored {
            backend.frame(&part.rgb, &part.cloud, &mut features, &mut maps)?;
            largest = largest.max(score::maximum(&maps.anomaly_map));
        }
        engine.metadata.gaps = Some(Gaps { limits, score: largest });
        engine.weights.set_gap_places(Some(places.to_tensor()));
        Ok(())
    }
}
