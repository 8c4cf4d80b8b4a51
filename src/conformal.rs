//! Finds a threshold from the scores of good parts, by split conformal prediction.
//!
//! Given n scores of good frames that the fit has not seen, the threshold is the k-th smallest, where
//! k = ceil((n + 1)(1 - rate)). A further good frame exceeds it with a probability of at most `rate`, as long as frames
//! are exchangeable.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::score::Thresholds;

/// Why scores give no threshold.
#[derive(Debug, Error, PartialEq)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the messages name the fields")]
pub enum CalibrateError {
    /// A rate that is not between 0 and 1.
    #[error("a false-reject rate lies between 0 and 1, not at {0}")]
    Rate(f64),
    /// A review band above the reject threshold.
    #[error("the review rate {review} must lie above the false-reject rate {reject}: review begins at a lower score")]
    Review { review: f64, reject: f64 },
    /// Fewer good frames than the rate needs.
    #[error(
        "{frames} good frames cannot support a false-reject rate of {rate}: that needs at least {needed}; these support {supported:.4}"
    )]
    TooFew { frames: usize, rate: f64, needed: usize, supported: f64 },
    /// A score is NaN.
    #[error("the score of a good frame is not a number: inspect that frame")]
    NotANumber,
    /// Too many good frames had no score.
    #[error(
        "{unscored} of {frames} good frames have too few points to be scored, more than a false-reject rate of {rate} allows: check the depth stream and the belt plane"
    )]
    Unscored { unscored: usize, frames: usize, rate: f64 },
}

/// How a threshold was found.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Calibration {
    /// A score above this rejects.
    pub threshold: f32,
    /// A score above this, up to the threshold, has the verdict review: a person is to look at the part.
    pub review: Option<f32>,
    /// Good frames that the threshold was found on.
    pub frames: usize,
    /// The rate that was asked for.
    pub false_reject_rate: f64,
    /// The expected rate that the order statistic guarantees, at most the one asked for.
    pub guaranteed_rate: f64,
    /// Half of the good parts' scores lie above it. Drift of the scores on a production line is measured from it. Files
    /// older than this field do not have it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub median_score: Option<f32>,
}

impl Calibration {
    /// Where verdicts change.
    pub fn thresholds(&self) -> Thresholds {
        Thresholds { reject: self.threshold, review: self.review }
    }

    /// What the order statistic guarantees, in words: "on average at most 1 of 100 good parts is rejected, from 120 good
    /// parts". One in so many is rounded to the side of more rejects.
    pub fn guarantee(&self) -> String {
        // Rounding may put an exact quotient just below a whole number.
        let one_in = (1.0 / self.guaranteed_rate + 1e-9).floor().max(1.0);
        format!("on average at most 1 of {one_in} good parts is rejected, from {} good parts", self.frames)
    }
}

/// The smallest rate that `frames` good frames can guarantee.
pub fn supported_rate(frames: usize) -> f64 {
    1.0 / (frames + 1) as f64
}

/// Finds the thresholds from `scores`, those of good frames that were not used in the fit, infinite for a frame that
/// could not be scored. `rate` is the expected share of good frames above the reject threshold, `review_rate` that
/// above the review threshold.
///
/// An error if the rate is not between 0 and 1, if there are too few scores for it (a rate of 0.01 needs 99), if one is
/// NaN, or if more frames had no score than the rate allows.
///
/// ```
/// use crosscheck::{CalibrateError, calibrate};
///
/// let scores: Vec<f32> = (1..=99).map(|score| score as f32).collect();
/// let calibration = calibrate(&scores, 0.01, Some(0.1))?;
/// assert_eq!((calibration.threshold, calibration.review), (99.0, Some(90.0)));
///
/// // Nine good frames cannot promise 1 %.
/// assert!(matches!(calibrate(&scores[..9], 0.01, None), Err(CalibrateError::TooFew { needed: 99, .. })));
/// # Ok::<(), CalibrateError>(())
/// ```
pub fn calibrate(scores: &[f32], rate: f64, review_rate: Option<f64>) -> Result<Calibration, CalibrateError> {
    if let Some(review) = review_rate.filter(|review| *review <= rate) {
        return Err(CalibrateError::Review { review, reject: rate });
    }
    let mut sorted = scores.to_vec();
    if sorted.iter().any(|s| s.is_nan()) {
        return Err(CalibrateError::NotANumber);
    }
    sorted.sort_by(f32::total_cmp);
    let rank = order_statistic(sorted.len(), rate)?;
    if sorted[rank - 1].is_infinite() {
        let unscored = sorted.iter().filter(|s| s.is_infinite()).count();
        return Err(CalibrateError::Unscored { unscored, frames: sorted.len(), rate });
    }
    let review = review_rate.map(|rate| order_statistic(sorted.len(), rate)).transpose()?;
    Ok(Calibration {
        threshold: sorted[rank - 1],
        review: review.map(|rank| sorted[rank - 1]),
        frames: sorted.len(),
        false_reject_rate: rate,
        guaranteed_rate: 1.0 - rank as f64 / (sorted.len() + 1) as f64,
        median_score: sorted.get(sorted.len() / 2).copied().filter(|score| score.is_finite()),
    })
}

/// Which of `frames` sorted scores is the threshold for `rate`, counted from 1.
fn order_statistic(frames: usize, rate: f64) -> Result<usize, CalibrateError> {
    if !(rate > 0.0 && rate < 1.0) {
        return Err(CalibrateError::Rate(rate));
    }
    // Rounding may put an exact product just above a whole number, which must not raise the rank by one.
    let rank = ((frames + 1) as f64 * (1.0 - rate) - 1e-9).ceil() as usize;
    if rank > frames {
        let needed = (1.0 / rate - 1e-9).ceil() as usize - 1;
        return Err(CalibrateError::TooFew { frames, rate, needed, supported: supported_rate(frames) });
    }
    Ok(rank.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scores(n: usize, random: &mut fastrand::Rng) -> Vec<f32> {
        (0..n).map(|_| random.f32()).collect()
    }

    #[test]
    fn the_order_statistic_of_a_hundred() {
        let ascending: Vec<f32> = (1..=99).map(|v| v as f32).collect();
        let found = calibrate(&ascending, 0.01, Some(0.1)).unwrap();
        assert_eq!((found.threshold, found.review), (99.0, Some(90.0)));
        assert!((found.guaranteed_rate - 0.01).abs() < 1e-12);
    }

    #[test]
    fn the_guarantee_is_said_in_words_and_never_promises_more() {
        let says = |frames: usize, rate: f64| calibrate(&vec![0.0; frames], rate, None).unwrap().guarantee();
        assert_eq!(says(99, 0.01), "on average at most 1 of 100 good parts is rejected, from 99 good parts");
        assert!(says(120, 0.01).contains("1 of 121 good parts"), "{}", says(120, 0.01));
        // 3 of 121 are 1 of 40.3.
        assert!(says(120, 0.025).contains("1 of 40 good parts"), "{}", says(120, 0.025));
        assert!(says(3, 0.9).contains("1 of 1 good parts"), "{}", says(3, 0.9));
    }

    #[test]
    fn too_few_frames_say_what_they_support() {
        let error = calibrate(&[0.0; 98], 0.01, None).unwrap_err();
        let CalibrateError::TooFew { frames: 98, needed: 99, supported, .. } = error else { panic!("{error}") };
        assert!((supported - 1.0 / 99.0).abs() < 1e-12);
        assert!(matches!(calibrate(&[], 0.5, None), Err(CalibrateError::TooFew { needed: 1, .. })));
    }

    #[test]
    fn bad_rates_and_scores_are_refused() {
        assert_eq!(calibrate(&[0.0; 9], 0.0, None), Err(CalibrateError::Rate(0.0)));
        assert!(matches!(calibrate(&[0.0; 9], f64::NAN, None), Err(CalibrateError::Rate(_))));
        assert!(matches!(calibrate(&[0.0; 99], 0.1, Some(0.05)), Err(CalibrateError::Review { .. })));
        assert_eq!(calibrate(&[f32::NAN; 99], 0.1, None), Err(CalibrateError::NotANumber));
        let mut scores = [0.0; 99];
        scores[..9].fill(f32::INFINITY);
        assert_eq!(calibrate(&scores, 0.1, None).map(|c| c.threshold), Ok(0.0));
        assert!(matches!(calibrate(&scores, 0.05, None), Err(CalibrateError::Unscored { unscored: 9, .. })));
    }

    #[test]
    fn the_expected_rate_is_kept() {
        let mut random = fastrand::Rng::with_seed(1);
        let (trials, fresh) = (400, 200);
        let mut rejected = 0;
        for _ in 0..trials {
            let found = calibrate(&scores(59, &mut random), 0.05, None).unwrap();
            rejected += scores(fresh, &mut random).iter().filter(|s| **s > found.threshold).count();
        }
        let rate = rejected as f64 / (trials * fresh) as f64;
        // The expected rate is 0.05; calibration sets vary by 0.03, their mean over 400 by 0.0015.
        assert!((rate - 0.05).abs() < 0.006, "{rate}");
    }
}
