//! The thresholds in force, and the rules by which they change: no change makes the judgement milder unnoticed.
//!
//! - The live page sets a threshold within a range, and keeps the review band. A looser threshold has to be confirmed.
//! - A reload or a restart keeps a threshold that the page has set, as long as it is tighter than the configured one and
//!   neither the configured thresholds nor the engine have changed since. A looser one is dropped.
//! - [`Judge::loosens`] describes whatever else makes the judgement milder: another configuration, another engine.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::conformal::Calibration;
use crate::score::Thresholds;

/// The least and the largest threshold that the page may set where no range is configured, as multiples of the
/// calibrated threshold.
const RANGE: [f32; 2] = [0.5, 2.0];

#[derive(Clone, Debug, Error, PartialEq)]
pub enum ThresholdRefusal {
    #[error(
        "the threshold {asked} is outside of {least} to {largest}: by default half to twice the calibrated one; engine.threshold_range sets another range"
    )]
    OutOfRange { asked: f32, least: f32, largest: f32 },
    #[error("there is no engine yet whose threshold could be set: teach a recipe, and go to it")]
    Untaught,
    #[error("this loosens the verdict: {0}; confirm it")]
    Loosens(String),
}

/// The thresholds that parts are judged by, and where they come from.
#[derive(Clone, Debug, PartialEq)]
pub struct Judge {
    /// The thresholds in force.
    pub thresholds: Thresholds,
    /// The thresholds of the station's configuration, or of the engine's calibration where none are configured.
    pub configured: Thresholds,
    /// The least and the largest threshold that the page may set.
    pub range: [f32; 2],
    /// The number of the recipe; 0 where the station has none.
    pub recipe: u16,
    /// The engine's content hash.
    pub engine_sha256: String,
    /// The engine's own calibration.
    pub calibration: Option<Calibration>,
}

/// The thresholds in force with the configured ones and the engine, as they are kept for the next run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InForce {
    pub engine_sha256: String,
    pub thresholds: Thresholds,
    pub configured: Thresholds,
}

/// The thresholds that a configuration asks for, and the range that the page may set; none where neither the
/// configuration nor the engine's calibration (`own`) has a threshold. `asked`: `engine.threshold` and `engine.review`.
pub fn configured(
    (threshold, review): (Option<f32>, Option<f32>),
    range: Option<[f32; 2]>,
    own: Option<Thresholds>,
) -> Option<(Thresholds, [f32; 2])> {
    let thresholds = match (threshold, own) {
        // A configured threshold alone keeps the band that the engine was calibrated with.
        (Some(reject), Some(own)) => own.with_reject(reject),
        (Some(reject), None) => Thresholds { reject, review: None },
        (None, own) => own?,
    };
    let thresholds = Thresholds { review: review.or(thresholds.review), ..thresholds };
    let calibrated = own.unwrap_or(thresholds).reject;
    // A configured threshold lies within it; only the end that rejects more moves further.
    let least = RANGE[0] * calibrated.min(thresholds.reject);
    let default = [least, (RANGE[1] * calibrated).max(thresholds.reject)];
    Some((thresholds, range.unwrap_or(default)))
}

impl Judge {
    /// Judges by the configured thresholds.
    pub fn new(thresholds: Thresholds, range: [f32; 2], engine_sha256: String) -> Self {
        Self { thresholds, configured: thresholds, range, recipe: 0, engine_sha256, calibration: None }
    }

    /// What judges before anything was taught: nothing passes, and no threshold can be set.
    pub fn untaught(recipe: u16) -> Self {
        let nothing = Thresholds { reject: 0.0, review: None };
        Self { recipe, ..Self::new(nothing, [0.0; 2], String::new()) }
    }

    /// Whether there is no engine that could judge.
    pub fn is_untaught(&self) -> bool {
        self.engine_sha256.is_empty()
    }

    /// The median score of the good parts that the engine was calibrated with.
    pub fn median_score(&self) -> Option<f32> {
        self.calibration?.median_score
    }

    /// The largest expected share of good parts that are rejected, as long as the threshold is the calibrated one.
    pub fn promised_rate(&self) -> Option<f64> {
        let is_calibrated = |own: &Calibration| own.threshold == self.thresholds.reject;
        Some(self.calibration.filter(is_calibrated)?.guaranteed_rate)
    }

    /// Whether other thresholds than the configured ones are in force.
    pub fn is_overridden(&self) -> bool {
        self.thresholds != self.configured
    }

    /// Puts a threshold from the page in force. Errors where it is out of range, or looser without `may_loosen`.
    pub fn set(&self, reject: f32, may_loosen: bool) -> Result<Self, ThresholdRefusal> {
        if self.is_untaught() {
            return Err(ThresholdRefusal::Untaught);
        }
        let [least, largest] = self.range;
        if !(least..=largest).contains(&reject) {
            return Err(ThresholdRefusal::OutOfRange { asked: reject, least, largest });
        }
        let judge = Self { thresholds: self.configured.with_reject(reject), ..self.clone() };
        match judge.loosens(&self.in_force()) {
            Some(how) if !may_loosen => Err(ThresholdRefusal::Loosens(how)),
            _ => Ok(judge),
        }
    }

    /// After a reload or a restart, keeps the threshold of the page where it is tighter than the configured one, and
    /// neither the configured thresholds nor the engine have changed.
    pub fn following(mut self, before: &InForce) -> Self {
        let same = before.engine_sha256 == self.engine_sha256 && before.configured == self.configured;
        if same && !before.thresholds.is_looser_than(&self.configured) {
            self.thresholds = before.thresholds;
        }
        self
    }

    /// In what way parts are judged more mildly than before; none where they are not. Scores of two engines do not
    /// compare, so that another engine may be milder.
    pub fn loosens(&self, before: &InForce) -> Option<String> {
        if before.engine_sha256.is_empty() {
            // Nothing has passed before.
            return None;
        }
        let (old, new) = (&before.thresholds, &self.thresholds);
        if before.engine_sha256 != self.engine_sha256 {
            return Some(format!(
                "another engine judges, whose scores do not compare: its threshold is {new}, that of the one before was {old}"
            ));
        }
        new.is_looser_than(old).then(|| format!("the threshold goes from {old} to {new}"))
    }

    pub fn in_force(&self) -> InForce {
        let Self { thresholds, configured, ref engine_sha256, .. } = *self;
        InForce { engine_sha256: engine_sha256.clone(), thresholds, configured }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: Thresholds = Thresholds { reject: 0.9, review: Some(0.1) };

    fn judge(asked: (Option<f32>, Option<f32>), own: Option<Thresholds>) -> Judge {
        let (thresholds, range) = configured(asked, None, own).unwrap();
        Judge::new(thresholds, range, "a".into())
    }

    // Without its band a station would pass parts that are to be reviewed, even if the same threshold is set again.
    #[test]
    fn the_review_band_stays_whatever_threshold_is_set() {
        let judge = judge((None, None), Some(OWN));
        assert_eq!(judge.set(0.9, false).unwrap(), judge);
        let tight = judge.set(0.5, false).unwrap();
        assert_eq!(tight.thresholds, Thresholds { reject: 0.5, review: Some(0.1) });
        assert!(tight.is_overridden() && !judge.is_overridden());
        let loose = judge.set(1.8, true).unwrap();
        assert_eq!(loose.thresholds, Thresholds { reject: 1.8, review: Some(0.1) });
    }

    #[test]
    fn the_range_is_half_to_twice_the_calibrated_threshold() {
        let judge = judge((None, None), Some(OWN));
        for out in [0.44, 1.81, 1e30, f32::INFINITY, f32::NAN, 0.0, -0.5] {
            let refused = judge.set(out, true).unwrap_err();
            assert!(matches!(refused, ThresholdRefusal::OutOfRange { .. }), "{out}");
        }
        assert!(judge.set(0.45, true).is_ok() && judge.set(1.8, true).is_ok());
        // A range of the configuration's own, and one that reaches as far as the configured threshold.
        assert_eq!(configured((None, None), Some([0.8, 1.0]), Some(OWN)).unwrap().1, [0.8, 1.0]);
        assert_eq!(configured((Some(5.0), None), None, Some(OWN)).unwrap().1, [0.45, 5.0]);
        assert_eq!(configured((Some(0.2), None), None, Some(OWN)).unwrap().1, [0.1, 1.8]);
        assert_eq!(configured((Some(5.0), None), None, None).unwrap().1, [2.5, 10.0]);
        assert_eq!(configured((None, None), None, None), None);
    }

    #[test]
    fn a_looser_threshold_needs_confirmation() {
        let judge = judge((None, None), Some(OWN)).set(0.5, false).unwrap();
        let refused = judge.set(0.9, false).unwrap_err().to_string();
        assert!(refused.contains("from 0.5 (review above 0.1) to 0.9"), "{refused}");
        assert!(!judge.set(0.9, true).unwrap().is_overridden());
    }

    #[test]
    fn a_configured_threshold_keeps_the_band_of_the_calibration() {
        let of = |asked| judge(asked, Some(OWN)).thresholds;
        assert_eq!(of((Some(0.8), None)), Thresholds { reject: 0.8, review: Some(0.1) });
        assert_eq!(of((Some(0.05), None)), Thresholds { reject: 0.05, review: Some(0.05) });
        assert_eq!(of((Some(0.8), Some(0.3))), Thresholds { reject: 0.8, review: Some(0.3) });
    }

    #[test]
    fn reloads_and_restarts_keep_the_tighter_threshold_and_end_the_looser() {
        let of = |asked| judge(asked, Some(OWN));
        let judge = of((None, None));
        let tight = judge.set(0.5, false).unwrap();
        assert_eq!(judge.clone().following(&tight.in_force()), tight);
        let loose = judge.set(1.5, true).unwrap();
        assert_eq!(judge.clone().following(&loose.in_force()), judge);
        // A person has changed the configuration: it holds, and what it loosens is said.
        let other = of((Some(0.7), None));
        let followed = other.clone().following(&tight.in_force());
        assert_eq!(followed, other);
        assert!(followed.loosens(&tight.in_force()).unwrap().contains("from 0.5"));
        // So has whoever put another engine there.
        let engine = Judge { engine_sha256: "b".into(), ..judge };
        assert_eq!(engine.clone().following(&tight.in_force()), engine);
        assert!(engine.loosens(&tight.in_force()).unwrap().contains("another engine"));
    }
}
