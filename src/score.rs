//! From an anomaly map to one number (section 3.3), and from that to a verdict.

use serde::{Deserialize, Serialize};

/// What is to become of a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The score is at most the lower threshold: the part is good.
    Pass,
    /// Between the two thresholds: for a person to look at. Nothing but a pass counts as one.
    Review,
    /// The score is above the threshold, or is not a number.
    Reject,
}

impl Verdict {
    /// In registers and on the page: 0 pass, 1 review, 2 reject.
    pub(crate) fn number(self) -> u8 {
        self as u8
    }

    /// The verdict of a number; what is none rejects.
    pub(crate) fn of_number(number: u8) -> Self {
        match number {
            0 => Self::Pass,
            1 => Self::Review,
            _ => Self::Reject,
        }
    }
}

crate::words::words!(serde Verdict {
    Pass = "pass",
    Review = "review",
    Reject = "reject",
});

/// Where verdicts change.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Thresholds {
    /// A score above this rejects.
    pub reject: f32,
    /// A score above this is reviewed; none for no such band.
    pub review: Option<f32>,
}

impl std::fmt::Display for Verdict {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// `0.8`, or `0.8 (review above 0.5)`.
impl std::fmt::Display for Thresholds {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.reject)?;
        self.review.map_or(Ok(()), |review| write!(f, " (review above {review})"))
    }
}

impl Thresholds {
    /// Another threshold to reject above. The review band stays: what was reviewed does not pass by it.
    pub fn with_reject(self, reject: f32) -> Self {
        Self { reject, review: self.review.map(|review| review.min(reject)) }
    }

    /// Whether some score gets a milder verdict than by `other`.
    pub fn is_looser_than(&self, other: &Self) -> bool {
        self.pass_limit() > other.pass_limit() || self.reject > other.reject
    }

    /// The largest score that passes.
    pub fn pass_limit(&self) -> f32 {
        self.review.unwrap_or(self.reject)
    }

    /// A score that is NaN rejects.
    ///
    /// ```
    /// use crosscheck::{Thresholds, Verdict};
    ///
    /// let thresholds = Thresholds { reject: 0.8, review: Some(0.5) };
    /// assert_eq!(thresholds.verdict(0.5), Verdict::Pass);
    /// assert_eq!(thresholds.verdict(0.6), Verdict::Review);
    /// assert_eq!(thresholds.verdict(f32::NAN), Verdict::Reject);
    /// ```
    pub fn verdict(&self, score: f32) -> Verdict {
        if score <= self.pass_limit() {
            Verdict::Pass
        } else if score <= self.reject {
            Verdict::Review
        } else {
            Verdict::Reject
        }
    }
}

/// The map's maximum: the score a station uses. A map with NaN anywhere has NaN for its score.
pub fn maximum(map: &[f32]) -> f32 {
    map.iter().fold(0.0, |m, &v| if v > m || v.is_nan() { v } else { m })
}

/// The published evaluation's score: the maximum of the map over the root of the mean of its non-zero values.
pub fn reference(map: &[f32]) -> f32 {
    let (count, sum) = map.iter().filter(|v| **v != 0.0).fold((0usize, 0.0), |(n, s), &v| (n + 1, s + f64::from(v)));
    if count == 0 {
        return 0.0;
    }
    (f64::from(maximum(map)) / (sum / count as f64).sqrt()) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    const BANDS: Thresholds = Thresholds { reject: 0.8, review: Some(0.5) };

    #[test]
    fn what_is_no_number_never_passes() {
        for map in [[0.0, f32::NAN, 1.0], [f32::NAN, 0.0, 0.0], [0.0, 9.0, f32::NAN]] {
            assert_eq!(BANDS.verdict(maximum(&map)), Verdict::Reject);
        }
    }

    #[test]
    fn a_band_ends_at_its_threshold() {
        let verdicts = [0.4, 0.5, 0.51, 0.8, 0.81].map(|score| BANDS.verdict(score));
        assert_eq!(verdicts, [Verdict::Pass, Verdict::Pass, Verdict::Review, Verdict::Review, Verdict::Reject]);
        let single = Thresholds { review: None, ..BANDS };
        assert_eq!([0.8, 0.81].map(|score| single.verdict(score)), [Verdict::Pass, Verdict::Reject]);
    }

    #[test]
    fn another_threshold_keeps_the_band() {
        let bands = |reject, review| Thresholds { reject, review: Some(review) };
        assert_eq!(BANDS.with_reject(0.8), BANDS);
        assert_eq!(BANDS.with_reject(2.0), bands(2.0, 0.5));
        assert_eq!(BANDS.with_reject(0.3), bands(0.3, 0.3));
        assert_eq!(Thresholds { review: None, ..BANDS }.with_reject(2.0), Thresholds { reject: 2.0, review: None });
    }

    #[test]
    fn looser_is_a_milder_verdict_of_some_score() {
        let scores: Vec<f32> = (0..200).map(|i| i as f32 * 0.01).collect();
        let all = [BANDS, BANDS.with_reject(1.2), BANDS.with_reject(0.4), Thresholds { review: None, ..BANDS }];
        let mildness = |verdict| [Verdict::Reject, Verdict::Review, Verdict::Pass].iter().position(|v| *v == verdict);
        for (one, other) in all.iter().flat_map(|one| all.iter().map(move |other| (one, other))) {
            let milder = scores.iter().any(|s| mildness(one.verdict(*s)) > mildness(other.verdict(*s)));
            assert_eq!(one.is_looser_than(other), milder, "{one} and {other}");
        }
    }

    #[test]
    fn the_reference_score_divides_by_the_root_of_the_mean() {
        assert_eq!(reference(&[0.0, 4.0, 4.0]), 2.0);
        assert_eq!(reference(&[0.0; 3]), 0.0);
    }
}
