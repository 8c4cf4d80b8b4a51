//! From an anomaly map to one number (section 3.3), and from that to a verdict.

use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    Pass,
    Reject,
}

impl std::fmt::Display for Verdict {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Pass => "pass",
            Self::Reject => "reject",
        })
    }
}

/// A score above the threshold rejects, and so does one that is no number.
pub fn verdict(score: f32, threshold: f32) -> Verdict {
    if score <= threshold { Verdict::Pass } else { Verdict::Reject }
}

/// The map's maximum: the score a station uses. A map that is not a number anywhere has no number for a score.
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

    #[test]
    fn what_is_no_number_never_passes() {
        for map in [[0.0, f32::NAN, 1.0], [f32::NAN, 0.0, 0.0], [0.0, 9.0, f32::NAN]] {
            assert_eq!(verdict(maximum(&map), 100.0), Verdict::Reject);
        }
        assert_eq!(verdict(maximum(&[0.0, 0.5]), 0.5), Verdict::Pass);
        assert_eq!(verdict(maximum(&[0.0, 0.51]), 0.5), Verdict::Reject);
    }

    #[test]
    fn the_reference_score_divides_by_the_root_of_the_mean() {
        assert_eq!(reference(&[0.0, 4.0, 4.0]), 2.0);
        assert_eq!(reference(&[0.0; 3]), 0.0);
    }
}
