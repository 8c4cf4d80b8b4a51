//! What a station is measured to be: its camera's intrinsics and its belt's plane.

use std::path::Path;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::frame::{FrameError, OrganisedCloud};
use crate::prepare::plane::Plane;

/// A calibration file is a few lines; anything larger is something else.
const FILE_BYTES_MAX: u64 = 64 << 10;

#[derive(Debug, Error)]
pub enum CalibrationError {
    #[error("cannot read {path}: {source}")]
    Read { path: String, source: std::io::Error },
    #[error("{path} has {bytes} bytes where at most {FILE_BYTES_MAX} are expected: is it the right file?")]
    TooLarge { path: String, bytes: u64 },
    #[error("{path} is not valid: {reason}. It needs {needs}")]
    Parse { path: String, reason: String, needs: &'static str },
}

/// A pinhole camera whose depth image is registered to its colour image.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Intrinsics {
    /// Focal lengths and principal point, pixels of the depth image.
    pub fx: f32,
    pub fy: f32,
    pub cx: f32,
    pub cy: f32,
    /// Metres per step of the depth image: 0.001 for most cameras.
    pub depth_unit_m: f32,
    /// Depth of step 0, metres; Eyecandies stores depth from a minimum upwards.
    #[serde(default)]
    pub depth_offset_m: f32,
}

impl Intrinsics {
    /// Reads a TOML camera file.
    pub fn read(path: &Path) -> Result<Self, CalibrationError> {
        read_toml(path, "fx, fy, cx, cy (pixels) and depth_unit_m (metres per step)", Self::check)
    }

    fn check(self) -> Result<Self, String> {
        for (name, value) in [("fx", self.fx), ("fy", self.fy), ("depth_unit_m", self.depth_unit_m)] {
            if !(value.is_finite() && value > 0.0) {
                return Err(format!("{name} is {value} where a positive number is expected"));
            }
        }
        for (name, value) in [("cx", self.cx), ("cy", self.cy), ("depth_offset_m", self.depth_offset_m)] {
            if !value.is_finite() {
                return Err(format!("{name} is {value} where a finite number is expected"));
            }
        }
        Ok(self)
    }

    /// Depth steps `[height, width]`, 0 = no point, to points in metres.
    pub fn deproject(&self, depth: &[u16], width: usize, height: usize) -> Result<OrganisedCloud, FrameError> {
        let point = |(i, &step): (usize, &u16)| {
            if step == 0 {
                return [0.0; 3];
            }
            let z = f32::from(step) * self.depth_unit_m + self.depth_offset_m;
            let (u, v) = ((i % width) as f32, (i / width) as f32);
            [(u - self.cx) / self.fx * z, (v - self.cy) / self.fy * z, z]
        };
        OrganisedCloud::new(width, height, depth.iter().enumerate().map(point).collect())
    }
}

/// Reads the station's belt plane: `normal`, a unit vector, and `offset_m`, in the camera's frame.
pub fn read_plane(path: &Path) -> Result<Plane, CalibrationError> {
    read_toml(path, "normal = [x, y, z] of unit length and offset_m (metres)", |plane: Plane| {
        if plane.is_valid() { Ok(plane) } else { Err(format!("{plane:?} is no plane")) }
    })
}

fn read_toml<T: serde::de::DeserializeOwned>(
    path: &Path,
    needs: &'static str,
    check: impl FnOnce(T) -> Result<T, String>,
) -> Result<T, CalibrationError> {
    let name = || path.display().to_string();
    let failed = |source| CalibrationError::Read { path: name(), source };
    let bytes = std::fs::metadata(path).map_err(failed)?.len();
    if bytes > FILE_BYTES_MAX {
        return Err(CalibrationError::TooLarge { path: name(), bytes });
    }
    let text = std::fs::read_to_string(path).map_err(failed)?;
    let parsed = toml::from_str(&text).map_err(|e| e.message().to_string());
    parsed.and_then(check).map_err(|reason| CalibrationError::Parse { path: name(), reason, needs })
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
    fn a_camera_file_that_cannot_be_is_refused() {
        let path = std::env::temp_dir().join(format!("crosscheck-camera-{}.toml", std::process::id()));
        for text in [
            "fx = 1.0",
            "fx = -1\nfy = 1\ncx = 0\ncy = 0\ndepth_unit_m = 0.001",
            "fx = nan\nfy=1\ncx=0\ncy=0\ndepth_unit_m=1",
        ] {
            std::fs::write(&path, text).unwrap();
            let error = Intrinsics::read(&path).unwrap_err().to_string();
            assert!(error.contains("depth_unit_m"), "{error}");
        }
        std::fs::remove_file(path).unwrap();
    }
}
