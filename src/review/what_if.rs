//! What another threshold would have done to the parts of which a person has said what they are.

use serde::Serialize;

/// A part of which a person has said what it is.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Scored {
    /// None where the part was rejected without one: it is whatever the threshold.
    pub score: Option<f32>,
    /// Whether a person found a defect.
    pub is_defective: bool,
}

/// What a threshold does to parts of which a person has said what they are.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct WhatIf {
    pub threshold: f32,
    /// Parts that are good.
    pub good: usize,
    /// Those of them that would be rejected.
    pub false_rejects: usize,
    /// Parts that have a defect.
    pub defective: usize,
    /// Those of them that would pass.
    pub misses: usize,
}

/// Counts what would have become of `parts` if a score above `threshold` rejected, and none were reviewed.
pub fn what_if(parts: &[Scored], threshold: f32) -> WhatIf {
    let mut counts = WhatIf { threshold, good: 0, false_rejects: 0, defective: 0, misses: 0 };
    for part in parts {
        // A score that is no number passes none.
        let passes = part.score.is_some_and(|score| score <= threshold);
        if part.is_defective {
            counts.defective += 1;
            counts.misses += usize::from(passes);
        } else {
            counts.good += 1;
            counts.false_rejects += usize::from(!passes);
        }
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_higher_threshold_rejects_fewer_good_parts_and_misses_more_defects() {
        let good = [Some(1.0), Some(2.0), Some(f32::NAN), None].map(|score| Scored { score, is_defective: false });
        let defective = [Some(1.5), Some(3.0), None].map(|score| Scored { score, is_defective: true });
        let parts = [good.as_slice(), &defective].concat();
        let counts = [0.5, 1.0, 1.9, 2.0, 5.0, f32::NAN].map(|threshold| {
            let counts = what_if(&parts, threshold);
            assert_eq!((counts.good, counts.defective), (4, 3));
            (counts.false_rejects, counts.misses)
        });
        assert_eq!(counts, [(4, 0), (3, 0), (3, 1), (2, 1), (2, 2), (4, 0)]);
        assert_eq!(what_if(&[], 1.0), WhatIf { threshold: 1.0, good: 0, false_rejects: 0, defective: 0, misses: 0 });
    }
}
