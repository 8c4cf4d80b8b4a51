//! What a fit learns of its good parts when the engine is fitted: what they lack, how high they score, and how their two
//! distances compare.

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

/// The good parts of a fit.
pub struct GoodParts {
    /// None where the settings ask for no check for gaps.
    outlines: Option<GapLearner>,
    scored: Vec<NetworkInput>,
}

/// What the fitted engine makes of good parts.
struct Seen {
    /// The largest score.
    largest: f32,
    /// [`crate::model::engine_file::Metadata::balance`]; none where a distance is nowhere above 0.
    balance: Option<f32>,
}

impl GoodParts {
    pub fn new(has_gaps: bool) -> Self {
        Self { outlines: has_gaps.then(GapLearner::default), scored: Vec::new() }
    }

    pub fn add(&mut self, part: &NetworkInput) {
        if let Some(outlines) = &mut self.outlines {
            outlines.add(part);
        }
        if self.scored.len() < SCORED_MAX {
            self.scored.push(part.clone());
        }
    }

    /// Writes what was learnt into the engine, which is fitted.
    pub fn finish(self, choice: Choice, engine: &mut Engine) -> Result<(), FitError> {
        let Seen { largest, balance } = look_at(&self.scored, choice, engine)?;
        engine.metadata.balance = balance;
        if let Some(GapModel { limits, places }) = self.outlines.and_then(GapLearner::finish) {
            engine.metadata.gaps = Some(Gaps { limits, score: largest });
            engine.weights.set_gap_places(Some(places.to_tensor()));
        }
        Ok(())
    }
}

fn look_at(parts: &[NetworkInput], choice: Choice, engine: &Engine) -> Result<Seen, FitError> {
    let evaluation = Evaluation { stride: engine.metadata.preparation.stride, ..Evaluation::default() };
    let weights = engine.weights.clone();
    let mut backend = choice.machine().inspector(&engine.metadata.architecture, weights, evaluation)?;
    let (mut features, mut maps) = (Features::default(), AnomalyMaps::default());
    let (mut largest, mut sums) = (SCORE_MIN, [0.0; 2]);
    for part in parts {
        backend.frame(&part.rgb, &part.cloud, &mut features, &mut maps)?;
        largest = largest.max(score::maximum(&maps.anomaly_map));
        for (sum, psi) in sums.iter_mut().zip([&maps.psi_rgb, &maps.psi_xyz]) {
            *sum += psi.iter().map(|v| f64::from(*v)).sum::<f64>();
        }
    }
    let balance = (sums[0] / sums[1]).ln() as f32;
    Ok(Seen { largest, balance: balance.is_finite().then_some(balance) })
}
