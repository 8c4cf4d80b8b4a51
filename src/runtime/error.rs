//! Why a station ends.

use thiserror::Error;

use super::recorder::RecorderError;
use crate::camera::CameraError;
use crate::reject::RejectError;

#[derive(Debug, Error)]
pub enum StationError {
    #[error(transparent)]
    Camera(#[from] CameraError),
    #[error(transparent)]
    Recorder(#[from] RecorderError),
    #[error(transparent)]
    Reject(#[from] RejectError),
    #[error("cannot start the {thread} thread: {source}")]
    Spawn { thread: &'static str, source: std::io::Error },
    #[error("the {thread} thread ended by a panic, which is a fault of this program: please report it")]
    Panicked { thread: &'static str },
}
