//! A candidate for a new threshold, from the rejected parts that a person found good.
//!
//! A station records every part that does not pass and a sample of those that do, so that what it records is no sample of
//! good parts: a threshold from recorded parts alone would promise nothing. But all scores above the limit up to which parts
//! passed are there, and the numbers of the parts tell how many lay below. Therefore the order statistic of the calibration
//! is known as long as it lies above that limit, whatever the scores below it are.

use super::error::ReviewError;
use super::filter::Found;
use super::gallery::Gallery;
use super::index::EngineId;
use super::judged::Judged;
use crate::conformal::{Calibration, calibrate};
use crate::model::engine_file::Engine;
use crate::score::Verdict;

/// The most parts that are counted; each takes four bytes while a threshold is found.
const PARTS_MAX: u64 = 20_000_000;

/// What a threshold is to promise.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rates {
    /// The largest expected share of good parts that are rejected.
    pub false_reject: f64,
    /// The largest expected share of good parts that are reviewed or rejected. Without it the review band stays.
    pub review: Option<f64>,
}

/// A calibration from a recording, and what it comes from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Candidate {
    pub calibration: Calibration,
    /// Parts that were judged by the engine, without those in which a person found a defect and those that did not pass and
    /// are not reviewed.
    pub good: u64,
    /// Those of them that did not pass, and that a person found good.
    pub found: usize,
    /// Parts that did not pass and of which nobody has said what they are. They count as defective, so that the threshold
    /// is rather too low than too high.
    pub not_reviewed: usize,
}

/// What the parts of an engine are known to be.
struct Known {
    /// Scores of good parts that did not pass.
    scores: Vec<f32>,
    defective: u64,
    not_reviewed: usize,
    /// Every good part with a score above this one is recorded.
    limit: f32,
}

impl Gallery {
    /// Calibrates `engine`, which must be the one that judged the parts, with the parts that a person found good and with
    /// `validation`, scores of other good parts by the same engine.
    pub fn recalibrate(&mut self, engine: &Engine, validation: &[f32], rates: Rates) -> Result<Candidate, ReviewError> {
        let index = self.renewed()?;
        let judged = Judged::of(index).by(EngineId::of(&engine.content_sha256));
        let (parts, most) = (judged.parts(), PARTS_MAX);
        if parts == 0 {
            return Err(ReviewError::NoneJudged { engine_sha256: engine.content_sha256.clone() });
        }
        if parts > most {
            return Err(ReviewError::TooMany { parts, most });
        }
        let known = self.known(&judged)?;
        let not_good = known.defective + known.not_reviewed as u64;
        let good = parts.saturating_sub(not_good).max(known.scores.len() as u64);
        if good == 0 && validation.is_empty() {
            return Err(ReviewError::NoneGood);
        }
        let found = known.scores.len();
        let mut scores = known.scores;
        // The others passed: their scores lie below the limit, where they do not matter for a threshold above it.
        scores.resize(good as usize, f32::MIN);
        scores.extend_from_slice(validation);
        let mut calibration = calibrate(&scores, rates.false_reject, rates.review)?;
        let lowest = calibration.review.unwrap_or(calibration.threshold);
        if lowest < known.limit {
            let rate = rates.review.unwrap_or(rates.false_reject);
            return Err(ReviewError::Unrecorded { found, good, rate, limit: known.limit });
        }
        let before = engine.metadata.calibration;
        if rates.review.is_none() {
            let review = before.and_then(|before| before.review);
            calibration.review = review.map(|review| review.min(calibration.threshold));
        }
        calibration.median_score = before.and_then(|before| before.median_score);
        Ok(Candidate { calibration, good, found, not_reviewed: known.not_reviewed })
    }

    fn known(&mut self, judged: &Judged) -> Result<Known, ReviewError> {
        let index = self.renewed()?;
        let mut known = Known { scores: Vec::new(), defective: 0, not_reviewed: 0, limit: f32::NEG_INFINITY };
        for at in (0..index.len()).filter(|at| judged.has(index.name(*at))).collect::<Vec<_>>() {
            let Some(facts) = index.facts(at) else { continue };
            known.limit = known.limit.max(facts.pass_limit);
            let passed = index.verdict(at) == Verdict::Pass;
            match Found::from(index.finding(at)) {
                Found::Good if !passed => known.scores.push(facts.score.unwrap_or(f32::INFINITY)),
                Found::Defect => known.defective += 1,
                Found::None | Found::Unsure if !passed => known.not_reviewed += 1,
                Found::Good | Found::None | Found::Unsure => {}
            }
        }
        Ok(known)
    }
}
