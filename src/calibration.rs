//! What a station is measured to be: its camera, from the lenses to points, and its belt.

pub mod assembly;
pub mod camera_file;
pub mod distance;
pub mod distortion;
pub mod import;
mod intrinsics;
mod lens;
pub mod registration;
pub mod sampling;
pub mod station;
pub mod survey;

use std::path::Path;
use std::sync::Arc;

use thiserror::Error;

use crate::frame::{FrameError, OrganisedCloud};
use crate::prepare::plane::Plane;
use crate::text::{self, TextError};
use crate::toml_errors;
use camera_file::{CameraFile, Grid};
use registration::{RegisteredDepth, Registration};
use sampling::sample_colour;

pub use intrinsics::Intrinsics;
pub use lens::Lens;
pub use station::StationCalibration;

/// A calibration file is a few lines; anything larger is something else.
const FILE_BYTES_MAX: u64 = 64 << 10;
/// Metres per step: 65,535 steps reach from 0.3 m to 655 m.
const DEPTH_UNIT_M_MIN: f64 = 5e-6;
const DEPTH_UNIT_M_MAX: f64 = 0.01;

#[derive(Debug, Error)]
pub enum CalibrationError {
    #[error(transparent)]
    Text(#[from] TextError),
    #[error("cannot write {path}: {source}")]
    Write { path: String, source: std::io::Error },
    #[error("{path} is not valid: {reason}. It needs {needs}")]
    Parse { path: String, reason: String, needs: &'static str },
    #[error(
        "the {node} image is {found_width} x {found_height} where the camera file is for {width} x {height}: {advice}"
    )]
    Resolution {
        node: &'static str,
        found_width: usize,
        found_height: usize,
        width: usize,
        height: usize,
        advice: String,
    },
    #[error(
        "the depth image is {width} x {height} but cx, cy of the camera file is ({cx}, {cy}), outside of it: these are the intrinsics of another resolution"
    )]
    PrincipalPoint { cx: f32, cy: f32, width: usize, height: usize },
    #[error("{reason}: {advice}")]
    Imagers { reason: String, advice: &'static str },
    #[error(transparent)]
    Size(#[from] FrameError),
}

/// What depth images were taken with.
#[derive(Clone, Debug, PartialEq)]
pub enum Camera {
    /// Registered to colour, without distortion.
    Pinhole(Intrinsics),
    /// Lenses as calibrated, and tables made of them once.
    Lenses(Arc<Registration>),
}

impl Camera {
    /// Reads a TOML camera file, of the short or the long form.
    pub fn read(path: &Path) -> Result<Self, CalibrationError> {
        let text = read_text(path)?;
        if CameraFile::is_long(&text) {
            return Ok(Self::Lenses(Arc::new(Registration::new(CameraFile::parse(&text, path)?))));
        }
        let needs = "fx, fy, cx, cy (pixels) and depth_unit_m (metres per step), or the sections [colour], [depth] and [depth_to_colour]";
        parse(&text, path, needs, Intrinsics::check).map(Self::Pinhole)
    }

    /// Refuses images, each of a width and a height, that are not of this camera.
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

    /// Depth steps `[height, width]`, 0 = no point, to points on the grid of the camera's frames.
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

    /// Depths `[height, width]` in metres, not above 0 or not finite = no point, as [`Self::cloud`] reads steps. A camera
    /// with lenses takes them to the nearest step of its depth unit, in which its images are registered.
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

/// Reads the station's belt plane: `normal`, a unit vector, and `offset_m`, in the camera's frame; from a file of
/// these two lines or from what `crosscheck calibrate-station` wrote.
pub fn read_plane(path: &Path) -> Result<Plane, CalibrationError> {
    StationCalibration::read(path).map(|station| station.plane())
}

/// Refuses a unit that no camera has, such as one off by 1,000.
fn check_depth_unit(depth_unit_m: f64) -> Result<(), String> {
    if (DEPTH_UNIT_M_MIN..=DEPTH_UNIT_M_MAX).contains(&depth_unit_m) {
        return Ok(());
    }
    Err(format!(
        "depth_unit_m is {depth_unit_m} where {DEPTH_UNIT_M_MIN} to {DEPTH_UNIT_M_MAX} is expected: it is in metres per step, 0.001 for millimetres"
    ))
}

fn read_text(path: &Path) -> Result<String, CalibrationError> {
    Ok(text::read(path, FILE_BYTES_MAX)?)
}

fn parse<T: serde::de::DeserializeOwned>(
    text: &str,
    path: &Path,
    needs: &'static str,
    check: impl FnOnce(T) -> Result<T, String>,
) -> Result<T, CalibrationError> {
    let parsed = toml::from_str(text).map_err(|error| {
        let (line, reason) = toml_errors::explain(&error, text);
        format!("line {line}: {reason}")
    });
    let path = || path.display().to_string();
    parsed.and_then(check).map_err(|reason| CalibrationError::Parse { path: path(), reason, needs })
}

fn write_toml(path: &Path, head: &str, value: &impl serde::Serialize) -> Result<(), CalibrationError> {
    let failed = |source| CalibrationError::Write { path: path.display().to_string(), source };
    let text = toml::to_string(value).map_err(|error| failed(std::io::Error::other(error)))?;
    crate::files::write_whole(path, |file| std::io::Write::write_all(file, format!("{head}{text}").as_bytes()))
        .map_err(failed)
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
