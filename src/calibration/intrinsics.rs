//! The short form of a camera: a pinhole whose depth image is registered to its colour image.

use serde::{Deserialize, Serialize};

use super::depth_unit::check_depth_unit;
use super::error::CalibrationError;
use crate::frame::{FrameError, OrganisedCloud, Rays};

/// A pinhole camera whose depth image is registered to its colour image.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Intrinsics {
    /// Focal lengths and principal point, pixels of the depth image.
    pub fx: f32,
    /// Focal length along y, pixels.
    pub fy: f32,
    /// Column of the optical axis, pixels.
    pub cx: f32,
    /// Row of the optical axis, pixels.
    pub cy: f32,
    /// Metres per step of the depth image: 0.001 for most cameras.
    pub depth_unit_m: f32,
    /// Depth of step 0, metres; Eyecandies stores depth from a minimum upwards.
    #[serde(default)]
    pub depth_offset_m: f32,
}

impl Intrinsics {
    pub(super) fn check(self) -> Result<Self, String> {
        for (name, value) in [("fx", self.fx), ("fy", self.fy)] {
            if !(value.is_finite() && value > 0.0) {
                return Err(format!("{name} is {value} where a positive number is expected"));
            }
        }
        for (name, value) in [("cx", self.cx), ("cy", self.cy), ("depth_offset_m", self.depth_offset_m)] {
            if !value.is_finite() {
                return Err(format!("{name} is {value} where a finite number is expected"));
            }
        }
        check_depth_unit(self.depth_unit_m.into())?;
        Ok(self)
    }

    /// Refuses an image that cannot have these intrinsics, since the principal point lies outside of it.
    pub(super) fn check_size(&self, width: usize, height: usize) -> Result<(), CalibrationError> {
        let inside = |at: f32, side: usize| (0.0..=side as f32).contains(&at);
        if inside(self.cx, width) && inside(self.cy, height) {
            return Ok(());
        }
        let (cx, cy) = (self.cx, self.cy);
        Err(CalibrationError::PrincipalPoint { cx, cy, width, height })
    }

    /// Turns depth steps, 0 = no point, of an image of this width into points in metres, the origin where there is
    /// none.
    pub fn points(&self, depth: &[u16], width: usize) -> impl Iterator<Item = [f32; 3]> {
        depth.iter().enumerate().map(move |(i, &step)| {
            if step == 0 {
                return [0.0; 3];
            }
            self.point(i, width, f32::from(step) * self.depth_unit_m + self.depth_offset_m)
        })
    }

    /// How [`Self::points`] follow from depth steps of images of a size.
    #[doc(hidden)]
    pub fn rays(&self, (width, height): (usize, usize)) -> Rays {
        let rays = (0..width * height).map(|i| self.point(i, width, 1.0)).collect();
        Rays { rays, unit_m: self.depth_unit_m, offset_m: self.depth_offset_m, ahead_m: 0.0 }
    }

    /// Turns depths in metres into points, as [`Self::points`] does with steps.
    pub fn points_at(&self, depth_m: &[f32], width: usize) -> impl Iterator<Item = [f32; 3]> {
        depth_m.iter().enumerate().map(move |(i, &z)| self.point(i, width, z))
    }

    /// The point at a distance of `z` along the axis that pixel `i` of an image of this width shows.
    fn point(&self, i: usize, width: usize, z: f32) -> [f32; 3] {
        let (u, v) = ((i % width) as f32, (i / width) as f32);
        [(u - self.cx) / self.fx * z, (v - self.cy) / self.fy * z, z]
    }

    /// Turns depth steps `[height, width]`, 0 = no point, into points in metres.
    pub fn deproject(&self, depth: &[u16], width: usize, height: usize) -> Result<OrganisedCloud, FrameError> {
        OrganisedCloud::new(width, height, self.points(depth, width).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CAMERA: Intrinsics =
        Intrinsics { fx: 100.0, fy: 50.0, cx: 1.0, cy: 0.0, depth_unit_m: 0.001, depth_offset_m: 0.0 };

    #[test]
    fn depth_becomes_points() {
        let cloud = CAMERA.deproject(&[0, 500, 1000, 2000], 2, 2).unwrap();
        assert_eq!(cloud.points(), [[0.0; 3], [0.0, 0.0, 0.5], [-0.01, 0.02, 1.0], [0.0, 0.04, 2.0]]);
    }

    #[test]
    fn an_image_that_ends_before_the_principal_point_is_refused() {
        let camera = Intrinsics { cx: 640.0, cy: 360.0, ..CAMERA };
        assert!(camera.check_size(1280, 720).is_ok());
        let error = camera.check_size(424, 240).unwrap_err().to_string();
        assert!(error.contains("640") && error.contains("424 x 240"), "{error}");
    }
}
