//! Calibrations as OpenCV, ROS and Kalibr write them, read as they are.
//!
//! Of OpenCV: what its calibration samples write, and any file of a `FileStorage` (YAML or JSON) with a camera matrix,
//! distortion coefficients and the image's size, however the names are spelt; of a stereo calibration `M1`, `D1`, `M2`,
//! `D2`, `R` and `T`, of which camera 1 is depth unless it is said to be colour. Of ROS: a `camera_info` file, or a
//! `CameraInfo` message as `ros2 topic echo` prints it; the way from depth to colour from an `Extrinsics` message of a
//! RealSense node. Of Kalibr: a `camchain.yaml`, whose cameras are told apart by their topics or by name.

mod fields;
mod imagers;
mod kalibr;
mod model;
mod single;
mod way;

use std::path::Path;

use super::camera_file::Extrinsics;
use super::lens::Lens;
use super::{CalibrationError, read_text};
use crate::yaml::{self, Node};

pub use imagers::{Claim, Imager, check_imagers};
pub use way::read_extrinsics;

const NEEDS_LENS: &str = "OpenCV's camera_matrix and distortion_coefficients with image_width and image_height, ROS's camera_info, or Kalibr's camchain";
const NEEDS_EXTRINSICS: &str = "OpenCV's R and T (from camera 1 to camera 2, metres), rotation and translation of a RealSense node's extrinsics, or Kalibr's camchain";

/// What a lens is read for.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    pub imager: Imager,
    /// Width and height, where the file does not tell them.
    pub size: Option<(usize, usize)>,
    /// Which camera of Kalibr's chain it is, where the topics do not tell.
    pub camera: Option<&'a str>,
    /// Which imager camera 1 of a stereo calibration is; depth where it is not said.
    pub camera_1: Option<Imager>,
}

/// Between what the way is read.
#[derive(Clone, Copy, Debug)]
pub struct Between<'a> {
    pub depth: &'a Lens,
    pub colour: &'a Lens,
    /// As in [`Asked`].
    pub depth_camera: Option<&'a str>,
    pub colour_camera: Option<&'a str>,
    pub camera_1: Option<Imager>,
}

/// A lens as it was calibrated.
#[derive(Clone, Debug, PartialEq)]
pub struct Calibrated {
    pub lens: Lens,
    /// Pixels, where the file tells.
    pub reprojection_error_px: Option<f64>,
    /// Which of several lenses in the file it is.
    pub part: Option<String>,
    /// Which imager the file says it is of.
    pub says: Vec<Claim>,
    /// What the file leaves open, for a person.
    pub doubt: Option<&'static str>,
}

/// The way from depth to colour.
#[derive(Clone, Debug, PartialEq)]
pub struct Way {
    pub extrinsics: Extrinsics,
    /// How its direction is known, for a person.
    pub told_by: String,
}

/// Reads a lens.
pub fn read_lens(path: &Path, asked: &Asked) -> Result<Calibrated, CalibrationError> {
    read(path, NEEDS_LENS, |root| single::lens(root, asked))
}

fn read<T>(
    path: &Path,
    needs: &'static str,
    of: impl FnOnce(&Node) -> Result<T, String>,
) -> Result<T, CalibrationError> {
    let text = read_text(path)?;
    let root = match text.trim_start().starts_with('<') {
        true => Err("it is XML: have OpenCV write it as .yml".into()),
        false => yaml::parse(&text),
    };
    let path = || path.display().to_string();
    root.and_then(|root| of(&root)).map_err(|reason| CalibrationError::Parse { path: path(), reason, needs })
}
