//! Learns from good frames what their parts lack and where they have points.

use super::finder::{Finder, RIM};
use super::measure::{Sizes, limits};
use super::places::{Compared, Places};
use crate::areas::{Disc, MARGIN, Mask};
use crate::model::engine_file::GapLimits;
use crate::prepare::NetworkInput;
use crate::shapes::{P, W};

/// Added to the largest area of a good frame, at least, pixels. Of 1,200 further good frames of six synthetic parts none was
/// beyond the limit of 16 frames, with 4, 8 or 16 alike; of 480 frames with defects that are no holes, 9, 7 and 3.
const MARGIN_PIXELS: usize = 8;
/// Added at least, in standard deviations of the areas of good frames: where a sensor loses points here and there, the
/// largest of 16 frames says little of the next 100. Areas of the six parts hardly vary, so nothing changed for them.
const MARGIN_DEVIATIONS: f64 = 3.0;
/// Frames that are left out one by one, spread evenly over all.
const LEFT_OUT_MAX: usize = 256;
/// Fewer frames show too little of how parts lie.
pub(super) const PLACED_FRAMES_MIN: usize = 8;
/// A frame that is left out differs by no larger area from the places of the others if parts lie alike. Else the next
/// part may differ by any: of 1,200 good frames of parts that lie turned, 33 were in excess without this and none with
/// it. By all measures together one of them is beyond the limits of 16 frames, and none of 1,200 of parts that lie
/// alike; with 8 frames five and one.
const PLACED_PIXELS_MAX: usize = 4;

/// What was learnt, for the engine file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GapModel {
    pub limits: GapLimits,
    pub places: Places,
}

/// Learns from good frames, one after the other.
pub struct GapLearner {
    frames: usize,
    /// Frames with the pixel in the part closed by the rim, and in the part, `[P]` each.
    filled: Vec<u32>,
    kept: Vec<u32>,
    /// The parts of every `step`-th frame.
    parts: Vec<Mask>,
    step: usize,
    left_out_max: usize,
    rim: Disc,
}

impl Default for GapLearner {
    fn default() -> Self {
        Self::leaving_out(LEFT_OUT_MAX)
    }
}

impl GapLearner {
    /// A learner that leaves out at most `left_out_max` frames one by one.
    pub(super) fn leaving_out(left_out_max: usize) -> Self {
        let (filled, kept) = (vec![0; P], vec![0; P]);
        Self { frames: 0, filled, kept, parts: Vec::new(), step: 1, left_out_max, rim: Disc::new(RIM) }
    }

    /// Adds the part of a good frame.
    pub fn add(&mut self, input: &NetworkInput) {
        let part = Mask::of(&input.kept);
        part.pixels().for_each(|i| self.kept[i] += 1);
        self.closed(&part).pixels().for_each(|i| self.filled[i] += 1);
        if self.frames.is_multiple_of(self.step) {
            self.parts.push(part);
        }
        self.frames += 1;
        if self.parts.len() > self.left_out_max {
            let mut is_kept = false;
            self.parts.retain(|_| {
                is_kept = !is_kept;
                is_kept
            });
            self.step *= 2;
        }
    }

    /// A part without the gaps that single missing points are.
    fn closed(&self, part: &Mask) -> Mask {
        let (mut wide, mut closed) = (Mask::default(), Mask::default());
        wide.dilate(part, &self.rim);
        closed.erode(&wide, &self.rim);
        closed
    }

    /// What was learnt; none without a frame.
    pub fn finish(self) -> Option<GapModel> {
        if self.frames == 0 {
            return None;
        }
        let mut finder = Finder::default();
        let mut has_places = [self.frames >= PLACED_FRAMES_MIN; 2];
        if has_places != [false; 2] {
            let (missing, excess) = self.parts.iter().fold((0, 0), |most: (usize, usize), part| {
                let found = finder.by_place(part, &Compared::new(&self.places(Some(part), has_places)));
                (most.0.max(found.0), most.1.max(found.1))
            });
            has_places = [missing, excess].map(|pixels| pixels <= PLACED_PIXELS_MAX);
        }
        let left_out: Vec<Sizes> = self
            .parts
            .iter()
            .map(|part| finder.measure(part, &Compared::new(&self.places(Some(part), has_places))))
            .collect();
        let limit_of = |measure: usize| limit(left_out.iter().map(|sizes| sizes[measure]));
        let limits = limits(std::array::from_fn(limit_of), self.frames);
        Some(GapModel { limits, places: self.places(None, has_places) })
    }

    /// The places of all frames but one with the part `left_out`; `has` says which of its sets are not empty.
    fn places(&self, left_out: Option<&Mask>, has: [bool; 2]) -> Places {
        let frames = (self.frames - usize::from(left_out.is_some())) as u32;
        let closed = left_out.map(|part| self.closed(part));
        let mut places = Places::default();
        for i in 0..P {
            let own = |mask: Option<&Mask>| mask.map_or(0, |mask| u32::from(mask.has(i)));
            let (row, x) = (i / W + MARGIN, i % W + MARGIN);
            if has[0] && self.filled[i] - own(closed.as_ref()) == frames {
                places.always.add(row, x..x + 1);
            }
            if has[1] && self.kept[i] - own(left_out) == 0 {
                places.never.add(row, x..x + 1);
            }
        }
        places
    }
}

/// The limit of a measure by its areas in good frames, pixels.
fn limit(areas: impl Iterator<Item = usize> + Clone) -> usize {
    let count = areas.clone().count().max(1) as f64;
    let mean = areas.clone().sum::<usize>() as f64 / count;
    let variance = areas.clone().map(|area| (area as f64 - mean).powi(2)).sum::<f64>() / count;
    let margin = (MARGIN_DEVIATIONS * variance.sqrt()).round() as usize;
    areas.max().unwrap_or(0) + margin.max(MARGIN_PIXELS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_leaves_room_for_what_varies() {
        let limit = |areas: &[usize]| limit(areas.iter().copied());
        assert_eq!((limit(&[]), limit(&[0; 16]), limit(&[30; 16])), (8, 8, 38));
        // A standard deviation of 10.
        assert_eq!(limit(&[20, 40, 20, 40]), 70);
        assert_eq!(limit(&[20, 22, 20, 22]), 30);
    }
}
