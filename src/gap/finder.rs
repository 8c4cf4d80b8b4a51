//! Measures what a part lacks, and what it has too much of.

use super::measure::{Measure, Sizes};
use super::places::Compared;
use crate::areas::{Areas, Disc, Mask};

/// Radius of the disc that closes the part, pixels. Of six synthetic parts' 120 holes all were found with 12 as with 16
/// and 102 with 8, at no good frame of 1,200; of 120 discs of 6 to 14 pixels cut out of
/// good parts' rims 52 with 12, 108 with 16.
const CLOSING: f32 = 16.0;
/// A pixel that is not farther than this from one beside the area is its rim, as it may be by an uneven edge, pixels.
pub(super) const RIM: f32 = 1.5;

/// The sets of pixels that areas are looked for in.
const SETS: usize = 4;
const CLOSED: usize = 0;
const ENCLOSED: usize = 1;
const MISSING: usize = 2;
const EXCESS: usize = 3;

/// Finds areas, in buffers that frames reuse.
pub(super) struct Finder {
    closing: Disc,
    rim: Disc,
    candidates: Mask,
    scratch: Mask,
    /// The areas of each set, without their rims.
    cores: [Mask; SETS],
    areas: Areas,
}

impl Default for Finder {
    fn default() -> Self {
        let cores = [(); SETS].map(|()| Mask::default());
        let (candidates, scratch) = (Mask::default(), Mask::default());
        Self { closing: Disc::new(CLOSING), rim: Disc::new(RIM), candidates, scratch, cores, areas: Areas::default() }
    }
}

impl Finder {
    /// Measures a part.
    pub fn measure(&mut self, part: &Mask, places: &Compared) -> Sizes {
        self.scratch.dilate(part, &self.closing);
        self.candidates.erode(&self.scratch, &self.closing);
        self.candidates.merge(part, |closed, part| closed & !part);
        self.candidates.merge(&places.open, |gap, open| gap & !open);
        let (largest_gap, all_gaps) = self.core(CLOSED);
        self.areas.enclosed(part, &mut self.candidates);
        self.candidates.merge(&places.open, |hole, open| hole & !open);
        let (_, holes) = self.core(ENCLOSED);
        let (missing, excess) = self.by_place(part, places);
        [largest_gap, all_gaps, holes, missing, excess]
    }

    /// What is missing, and what is in excess, by the place.
    pub fn by_place(&mut self, part: &Mask, places: &Compared) -> (usize, usize) {
        self.candidates.copy_from(&places.filled);
        self.candidates.merge(part, |filled, part| filled & !part);
        let (missing, _) = self.core(MISSING);
        self.candidates.copy_from(&places.empty);
        self.candidates.merge(part, |empty, part| empty & part);
        let (excess, _) = self.core(EXCESS);
        (missing, excess)
    }

    /// Keeps the candidates without the rims of their areas. Returns the largest area and the sum of all.
    fn core(&mut self, set: usize) -> (usize, usize) {
        self.cores[set].erode(&self.candidates, &self.rim);
        self.areas.find(&self.cores[set]);
        (self.areas.largest(), self.cores[set].count())
    }

    /// The areas of a measure of at least `pixels_min` pixels in the part that was measured last, with their rims.
    pub fn areas(&mut self, measure: Measure, pixels_min: usize) -> &Mask {
        let set = match measure {
            Measure::LargestGap | Measure::AllGaps => CLOSED,
            Measure::Holes => ENCLOSED,
            Measure::Missing => MISSING,
            Measure::Excess => EXCESS,
        };
        self.areas.find(&self.cores[set]);
        self.candidates.clear();
        self.areas.draw(pixels_min, &mut self.candidates);
        self.scratch.dilate(&self.candidates, &self.rim);
        &self.scratch
    }
}
