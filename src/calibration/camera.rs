//! A camera as its file describes it: from depth images to points on the grid of its frames.

use std::path::Path;
use std::sync::Arc;

use super::camera_file::{CameraFile, Grid};
use super::error::CalibrationError;
use super::intrinsics::Intrinsics;
use super::registration::{RegisteredDepth, Registration};
use super::sampling::sample_colour;
use super::toml_file::{parse, read_text};
use crate::frame::{FrameError, OrganisedCloud};

/// The camera that depth images were taken with.
#[derive(Clone, Debug, PartialEq)]
pub enum Camera {
    /// Registered to colour, without distortion.
    Pinhole(Intrinsics),
    /// Calibrated lenses, and the tables that were computed from them once.
    #[doc(hidden)]
    Lenses(Arc<Registration>),
}

impl Camera {
    /// Reads a TOML camera file, of the short or the long form.
    ///
    /// An error names the line of the file and what it needs.
    ///
    /// ```
    /// use crosscheck::calibration::Camera;
    ///
    /// let folder = tempfile::tempdir()?;
    /// let path = folder.path().join("camera.toml");
    /// std::fs::write(&path, "fx = 600\nfy = 600\ncx = 320\ncy = 240\ndepth_unit_m = 0.001")?;
    /// let camera = Camera::read(&path)?;
    /// // 500 steps of a millimetre at the principal point.
    /// let mut depth = vec![0; 640 * 480];
    /// depth[240 * 640 + 320] = 500;
    /// let cloud = camera.cloud(&depth, 640, 480)?;
    /// assert_eq!(cloud.points()[240 * 640 + 320], [0.0, 0.0, 0.5]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn read(path: &Path) -> Result<Self, CalibrationError> {
        let text = read_text(path)?;
        if CameraFile::is_long(&text) {
            return Ok(Self::Lenses(Arc::new(Registration::new(CameraFile::parse(&text, path)?))));
        }
        let needs = "fx, fy, cx, cy (pixels) and depth_unit_m (metres per step), or the sections [colour], [depth] and [depth_to_colour]";
        parse(&text, path, needs, Intrinsics::check).map(Self::Pinhole)
    }

    /// Metres of a step of the depth image, and of step 0.
    #[doc(hidden)]
    pub fn depth_steps_m(&self) -> (f64, f64) {
        match self {
            Self::Pinhole(intrinsics) => (intrinsics.depth_unit_m.into(), intrinsics.depth_offset_m.into()),
            Self::Lenses(registration) => (registration.file().depth_unit_m, registration.file().depth_offset_m),
        }
    }

    /// Refuses a colour and a depth image, each given by its width and height, whose sizes are not this camera's.
    pub fn check_sizes(&self, rgb: (usize, usize), depth: (usize, usize)) -> Result<(), CalibrationError> {
        match self {
            Self::Pinhole(_) if rgb != depth => Err(FrameError::SizeMismatch {
                rgb_width: rgb.0,
                rgb_height: rgb.1,
                xyz_width: depth.0,
                xyz_height: depth.1,
            })?,
            Self::Pinhole(intrinsics) => intrinsics.check_size(depth.0, depth.1),
            Self::Lenses(registration) => {
                registration.check_depth_size(depth.0, depth.1)?;
                registration.file().colour.check_size("colour", rgb.0, rgb.1)
            }
        }
    }

    /// Turns depth steps `[height, width]`, 0 = no point, into points on the grid of the camera's frames.
    pub fn cloud(&self, depth: &[u16], width: usize, height: usize) -> Result<OrganisedCloud, CalibrationError> {
        match self {
            Self::Pinhole(intrinsics) => {
                intrinsics.check_size(width, height)?;
                Ok(intrinsics.deproject(depth, width, height)?)
            }
            Self::Lenses(registration) => {
                registration.check_depth_size(width, height)?;
                let mut registered = RegisteredDepth::default();
                registration.register(depth, &mut registered);
                let (width, height) = registration.size();
                Ok(OrganisedCloud::new(width, height, registered.into_points())?)
            }
        }
    }

    /// Does the same for depths `[height, width]` in metres; a depth that is not finite or not above 0 is no point. A
    /// camera with lenses rounds them to steps of its depth unit, in which its images are registered.
    pub fn cloud_of_metres(
        &self,
        depth_m: &[f32],
        width: usize,
        height: usize,
    ) -> Result<OrganisedCloud, CalibrationError> {
        match self {
            Self::Pinhole(intrinsics) => {
                intrinsics.check_size(width, height)?;
                Ok(OrganisedCloud::new(width, height, intrinsics.points_at(depth_m, width).collect())?)
            }
            Self::Lenses(registration) => self.cloud(&registration.steps_of(depth_m), width, height),
        }
    }

    /// The colour of each point of `cloud`, for a camera whose frames have the depth image's grid; none where the
    /// cloud is on the colour image's grid already. Points that the colour image does not show are removed.
    pub fn colour_at(
        &self,
        cloud: &mut OrganisedCloud,
        rgb: &[u8],
        width: usize,
        height: usize,
    ) -> Result<Option<Vec<u8>>, CalibrationError> {
        let Self::Lenses(registration) = self else { return Ok(None) };
        let file = registration.file();
        file.colour.check_size("colour", width, height)?;
        if file.grid == Grid::Colour {
            return Ok(None);
        }
        let mut colours = Vec::new();
        sample_colour(file, cloud, rgb, &mut colours);
        Ok(Some(colours))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_camera_file_that_cannot_be_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("camera.toml");
        for (text, word) in [
            ("fx = 1.0", "missing field"),
            ("fx = -1\nfy = 1\ncx = 0\ncy = 0\ndepth_unit_m = 0.001", "fx is -1"),
            ("fx = nan\nfy=1\ncx=0\ncy=0\ndepth_unit_m=0.001", "fx is NaN"),
            ("fx = 1\nfy=1\ncx=0\ncy=0\ndepth_unit_m=1", "0.001 for millimetres"),
            ("fx = 1\nfy=1\ncx=0\ncy=0\ndepth_unit=1", "line 5: unknown field `depth_unit`"),
        ] {
            std::fs::write(&path, text).unwrap();
            let error = Camera::read(&path).unwrap_err().to_string();
            assert!(error.contains(word) && error.contains("depth_unit_m"), "{error}");
        }
    }
}
