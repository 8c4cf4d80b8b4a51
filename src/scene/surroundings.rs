//! What is around the parts: how much of the belt frames show, where parts lie on it, and what else is seen.

use std::ops::RangeInclusive;

use thiserror::Error;

use super::camera::{DISTANCE_MM, PIXELS_PER_MM, SIDE, SLOPE_MAX};
use super::fixture;
use super::pose::SHIFT_MM;
use super::surface::{HEIGHT_MAX_MM, REACH_MM};

/// Sides that frames may have, pixels.
pub const SIDES: RangeInclusive<usize> = 64..=4096;
/// Of a black belt: the share of its pixels that have a point, and its albedo.
const BLACK_POINTS_SHARE: f32 = 0.05;
const BLACK_ALBEDO: f32 = 0.004;
/// No shift is larger: normal numbers made of 24 bits stay within 5.8 deviations.
const SHIFT_MAX_MM: f32 = 6.0 * SHIFT_MM;

/// What frames show besides a part in the middle. The default is a bare belt in a square frame.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Surroundings {
    /// Pixels of a row of the frames, within [`SIDES`]. The scale stays 3 pixels a millimetre, so that wider frames
    /// show more of the belt.
    pub width: usize,
    /// Pixels of a column of the frames, within [`SIDES`].
    pub height: usize,
    /// How far from the middle parts lie at most, along and across the belt, millimetres. Each part's place is drawn
    /// evenly. More than keeps every part wholly inside the frame is an error; where it is 0, a small frame may cut parts.
    pub scatter_mm: [f32; 2],
    /// Whether a block, larger than any part, stands beside the parts' way at the upper or the lower edge of the frame:
    /// the same in all frames of a station.
    pub fixture: bool,
    /// Share of the belt's pixels that have a point, 0 to 1; where it is 1, only those are missing that a sensor loses
    /// on anything.
    pub belt_points_share: f32,
    /// Albedo of the belt in red, green and blue, 0 to 1; the station's own grey where there is none.
    pub belt_albedo: Option<f32>,
}

impl Default for Surroundings {
    fn default() -> Self {
        Self {
            width: SIDE,
            height: SIDE,
            scatter_mm: [0.0; 2],
            fixture: false,
            belt_points_share: 1.0,
            belt_albedo: None,
        }
    }
}

/// Surroundings that cannot be.
#[derive(Clone, Debug, PartialEq, Error)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the messages say what each is")]
pub enum SurroundingsError {
    #[error("frames of {width} x {height} pixels cannot be drawn: sides of {} to {} are expected", SIDES.start(), SIDES.end())]
    Size { width: usize, height: usize },
    #[error(
        "a scatter of {given_mm} mm {axis} the belt cannot be: 0 to {max_mm} keeps parts inside frames of this size"
    )]
    Scatter { axis: &'static str, given_mm: f32, max_mm: f32 },
    #[error(
        "a fixture does not fit beside the parts in frames of {width} x {height} pixels: frames of this width need a height of at least {height_min}"
    )]
    Fixture { width: usize, height: usize, height_min: usize },
    #[error("{name} of the belt is {given} where 0 to 1 is expected")]
    Belt { name: &'static str, given: f32 },
}

impl Surroundings {
    /// The same with a black belt, which swallows the sensor's light: 5 % of its pixels have a point.
    pub fn with_black_belt(self) -> Self {
        Self { belt_points_share: BLACK_POINTS_SHARE, belt_albedo: Some(BLACK_ALBEDO), ..self }
    }

    /// Refuses what cannot be drawn, whatever the station.
    pub fn check(&self) -> Result<(), SurroundingsError> {
        let &Self { width, height, scatter_mm, .. } = self;
        if !(SIDES.contains(&width) && SIDES.contains(&height)) {
            return Err(SurroundingsError::Size { width, height });
        }
        for (axis, name) in ["along", "across"].into_iter().enumerate() {
            let (given_mm, max_mm) = (scatter_mm[axis], self.scatter_max_mm(axis));
            if given_mm != 0.0 && !(0.0..=max_mm).contains(&given_mm) {
                return Err(SurroundingsError::Scatter { axis: name, given_mm, max_mm });
            }
        }
        let unit = 0.0..=1.0;
        let shares = [("the share of points", Some(self.belt_points_share)), ("the albedo", self.belt_albedo)];
        for (name, share) in shares {
            if let Some(given) = share.filter(|share| !unit.contains(share)) {
                return Err(SurroundingsError::Belt { name, given });
            }
        }
        if self.fixture {
            let fits = fixture::size_px(width, height, self.lane_mm());
            fits.map_err(|height_min| SurroundingsError::Fixture { width, height, height_min })?;
        }
        Ok(())
    }

    /// No part reaches further across the belt from the middle, millimetres.
    pub(super) fn lane_mm(&self) -> f32 {
        self.reach_mm(1)
    }

    fn reach_mm(&self, axis: usize) -> f32 {
        REACH_MM + SHIFT_MAX_MM + self.scatter_mm[axis]
    }

    /// What scatter along an axis keeps parts inside the frame at any station, down to tenths: a part looks largest
    /// and lies furthest out where the camera is near and the belt comes up towards it.
    fn scatter_max_mm(&self, axis: usize) -> f32 {
        let half = [self.width, self.height][axis] as f32 / 2.0 - 1.0;
        let depth_mm = DISTANCE_MM[0] - HEIGHT_MAX_MM - SLOPE_MAX * self.reach_mm(1 - axis);
        let focal = PIXELS_PER_MM * DISTANCE_MM[0];
        // Solved for reach: half = focal (reach + slope height) / (depth - slope reach).
        let reach_mm = (half * depth_mm - focal * SLOPE_MAX * HEIGHT_MAX_MM) / (focal + half * SLOPE_MAX);
        ((10.0 * (reach_mm - REACH_MM - SHIFT_MAX_MM)).floor() / 10.0).max(0.0)
    }
}
