//! What is asked of a calibration, and what it gives.

use super::imagers::{Claim, Imager};
use crate::calibration::camera_file::Extrinsics;
use crate::calibration::lens::Lens;

/// Which lens of a file is read.
#[derive(Clone, Copy, Debug)]
pub struct LensRequest<'a> {
    pub imager: Imager,
    /// Width and height, where the file does not have them.
    pub size: Option<(usize, usize)>,
    /// Which camera of Kalibr's chain it is, where the topics do not tell.
    pub camera: Option<&'a str>,
    /// Which imager camera 1 of a stereo calibration is; depth where it is not said.
    pub camera_1: Option<Imager>,
}

/// The two lenses whose extrinsics are read, and how the file names their cameras.
#[derive(Clone, Copy, Debug)]
pub struct ExtrinsicsRequest<'a> {
    pub depth: &'a Lens,
    pub colour: &'a Lens,
    /// As in [`LensRequest`].
    pub depth_camera: Option<&'a str>,
    pub colour_camera: Option<&'a str>,
    pub camera_1: Option<Imager>,
}

/// A lens as it was calibrated.
#[derive(Clone, Debug, PartialEq)]
pub struct ImportedLens {
    pub lens: Lens,
    /// Pixels, where the file has it.
    pub reprojection_error_px: Option<f64>,
    /// The lens, where the file has several.
    pub part: Option<String>,
    /// The imager that the file claims it belongs to.
    pub says: Vec<Claim>,
    /// What a person should check, since the file leaves it open.
    pub doubt: Option<&'static str>,
}

/// Extrinsics from depth to colour.
#[derive(Clone, Debug, PartialEq)]
pub struct ImportedExtrinsics {
    pub extrinsics: Extrinsics,
    /// How its direction is known, for a person.
    pub told_by: String,
}
