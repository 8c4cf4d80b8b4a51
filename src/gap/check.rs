//! Compares a frame's part with what good ones lack and where they have points.

use std::fmt;

use super::finder::Finder;
use super::learner::GapModel;
use super::measure::Measure;
use super::places::Compared;
use crate::areas::{LENGTHS_MAX, Mask, pixel_mm2};
use crate::frame::Region;
use crate::model::engine_file::GapLimits;
use crate::prepare::NetworkInput;

/// What a part lacks, or has too much of, by the measure that is farthest beyond its limit.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Gap {
    /// Its area by the measure over the limit of good parts: above 1 where good parts have less.
    pub ratio: f32,
    /// By which measure it was found.
    pub measure: Measure,
    /// Network pixels, those of its rim too.
    pub pixels: usize,
    /// None where the cloud does not tell what a pixel is.
    pub area_mm2: Option<f32>,
    /// The rectangle around it, network pixels; none where the ratio is 0.
    pub bounds: Option<Region>,
}

/// The reason of a part with a ratio above 1.
impl fmt::Display for Gap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let area = match self.area_mm2 {
            Some(area_mm2) => format!("{area_mm2:.0} mm2"),
            None => format!("{} network pixels", self.pixels),
        };
        match self.measure {
            Measure::LargestGap | Measure::Missing => write!(f, "a gap of {area} that good parts do not have"),
            Measure::AllGaps => write!(f, "gaps of {area} in all, more than good parts have"),
            Measure::Holes => write!(f, "holes of {area} in all, more than good parts have"),
            Measure::Excess => write!(f, "{area} of material where good parts have none"),
        }
    }
}

/// Buffers of [`GapCheck::measure`], which frames reuse.
pub struct GapScratch {
    part: Mask,
    beyond: Mask,
    finder: Finder,
    lengths: Vec<f32>,
}

impl Default for GapScratch {
    fn default() -> Self {
        let (part, beyond, finder) = (Mask::default(), Mask::default(), Finder::default());
        // The first frame with an area may be any.
        Self { part, beyond, finder, lengths: Vec::with_capacity(LENGTHS_MAX) }
    }
}

impl GapScratch {
    /// The network pixels, of P, in areas beyond a limit in the frame that was measured last; none where the ratio is at most
    /// 1.
    pub fn beyond(&self) -> &Mask {
        &self.beyond
    }
}

/// The check of frames with a fitted engine.
pub struct GapCheck {
    limits: GapLimits,
    places: Compared,
}

impl GapCheck {
    pub fn new(model: &GapModel) -> Self {
        Self { limits: model.limits, places: Compared::new(&model.places) }
    }

    /// Measures the part of a frame. Frames after the first allocate nothing.
    pub fn measure(&self, input: &NetworkInput, scratch: &mut GapScratch) -> Gap {
        let GapScratch { part, beyond, finder, lengths } = scratch;
        part.take(&input.kept);
        beyond.clear();
        let (mut ratio, mut worst) = (0.0, (Measure::LargestGap, 1));
        for (measure, size) in Measure::ALL.into_iter().zip(finder.measure(part, &self.places)) {
            let limit = measure.limit(&self.limits).max(1);
            let own = size as f32 / limit as f32;
            if own > ratio {
                (ratio, worst) = (own, (measure, if measure.is_sum() { 1 } else { size }));
            }
            if own > 1.0 {
                let pixels_min = if measure.is_sum() { 1 } else { limit as usize + 1 };
                beyond.merge(finder.areas(measure, pixels_min), |own, other| own | other);
            }
        }
        let (measure, pixels_min) = worst;
        let area = finder.areas(measure, pixels_min);
        let (pixels, bounds) = (area.count(), area.bounds());
        let area_mm2 = bounds.and_then(|_| pixel_mm2(&input.cloud, lengths)).map(|pixel| pixel * pixels as f32);
        Gap { ratio, measure, pixels, area_mm2, bounds }
    }
}
