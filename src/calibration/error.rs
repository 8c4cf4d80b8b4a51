//! Why a camera, a station or a calibration of another program cannot be used.

use thiserror::Error;

use crate::frame::FrameError;
use crate::text::TextError;

/// Why a camera, a station or a calibration of another program cannot be used.
#[derive(Debug, Error)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the messages name the fields")]
pub enum CalibrationError {
    /// The file cannot be read as text.
    #[error(transparent)]
    Text(#[from] TextError),
    /// The file cannot be written.
    #[error("cannot write {path}: {source}")]
    Write { path: String, source: std::io::Error },
    /// The file is not what is expected.
    #[error("{path} is not valid: {reason}. It needs {needs}")]
    Parse { path: String, reason: String, needs: &'static str },
    /// An image of another size than the camera file is for.
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
    /// The camera file is for another resolution.
    #[error(
        "the depth image is {width} x {height} but cx, cy of the camera file is ({cx}, {cy}), outside of it: these are the intrinsics of another resolution"
    )]
    PrincipalPoint { cx: f32, cy: f32, width: usize, height: usize },
    /// The cameras in a calibration are not those that are asked for.
    #[error("{reason}: {advice}")]
    Imagers { reason: String, advice: &'static str },
    /// Image and points do not fit each other.
    #[error(transparent)]
    Size(#[from] FrameError),
}
