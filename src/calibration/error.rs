//! Why a camera, a station or a calibration of another program cannot be used.

use thiserror::Error;

use crate::frame::FrameError;
use crate::text::TextError;

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
