//! What is measured, and how much of it good parts have.

use crate::model::engine_file::GapLimits;

/// An area that grows where material is missing, or where there is too much.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Measure {
    /// The largest area that the closing of the part adds to it.
    LargestGap,
    /// All that the closing of the part adds to it.
    AllGaps,
    /// All that the part encloses: the closing misses a round hole wider than its disc.
    Holes,
    /// The largest area without a point where every good part has one.
    Missing,
    /// The largest area with points where no good part has one.
    Excess,
}

crate::words::words!(serde Measure {
    LargestGap = "largest_gap",
    AllGaps = "all_gaps",
    Holes = "holes",
    Missing = "missing",
    Excess = "excess",
});

impl Measure {
    /// Whether it is the sum of areas, not the largest of them.
    pub(super) fn is_sum(self) -> bool {
        matches!(self, Self::AllGaps | Self::Holes)
    }
}

/// A number for each of [`Measure::ALL`], pixels.
pub(super) type Sizes = [usize; Measure::ALL.len()];

impl Measure {
    /// The largest area of this measure that passes, pixels.
    pub fn limit(self, limits: &GapLimits) -> u32 {
        match self {
            Self::LargestGap => limits.largest_gap_pixels,
            Self::AllGaps => limits.all_gaps_pixels,
            Self::Holes => limits.holes_pixels,
            Self::Missing => limits.missing_pixels,
            Self::Excess => limits.excess_pixels,
        }
    }
}

/// Limits in the order of [`Measure::ALL`], from so many good frames.
pub(super) fn limits(sizes: Sizes, frames: usize) -> GapLimits {
    let [largest_gap_pixels, all_gaps_pixels, holes_pixels, missing_pixels, excess_pixels] =
        sizes.map(|limit| limit as u32);
    let frames = frames as u32;
    GapLimits { largest_gap_pixels, all_gaps_pixels, holes_pixels, missing_pixels, excess_pixels, frames }
}
