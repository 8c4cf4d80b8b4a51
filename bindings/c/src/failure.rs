//! Why a call did not do what it was asked for.

use crosscheck::calibration::CalibrationError;
use crosscheck::{BackendError, EngineError, FrameError, InspectError};
use thiserror::Error;

use crate::status::Status;

/// Why a call did not do what it was asked for: its text, and the number that stands for it.
#[derive(Debug, Error)]
pub enum Failure {
    #[error("{what} is NULL: give its address")]
    Null { what: &'static str },
    #[error("{what} lies at an address that is not a multiple of {alignment} bytes")]
    Misaligned { what: &'static str, alignment: usize },
    #[error(
        "{what} is {found} bytes where {expected} are expected: set it to the size of the structure; if it is, header and library are of two versions"
    )]
    StructSize { what: &'static str, found: usize, expected: usize },
    #[error(
        "the stride of {what} is {stride} bytes, less than the {row} bytes of a row; 0 stands for rows without a gap"
    )]
    Stride { what: &'static str, stride: usize, row: usize },
    #[error("the stride of {what} is {stride} bytes, not a multiple of {alignment}")]
    MisalignedStride { what: &'static str, stride: usize, alignment: usize },
    #[error("{what}, {height} rows of {stride} bytes, reaches beyond the last address")]
    Range { what: &'static str, stride: usize, height: usize },
    #[error("{found} values fit into each map where {expected} are written")]
    BufferSize { found: usize, expected: usize },
    #[error("{option} is {found}, which is not one of its values")]
    Option { option: &'static str, found: i64 },
    #[error("{0}")]
    Contradiction(&'static str),
    #[error(transparent)]
    Engine(#[from] EngineError),
    #[error(transparent)]
    Camera(#[from] CalibrationError),
    #[error(transparent)]
    Size(#[from] FrameError),
    #[error(transparent)]
    Inspect(#[from] InspectError),
}

impl Failure {
    /// The number that the caller gets.
    pub fn status(&self) -> Status {
        match self {
            Self::Null { .. } => Status::NullPointer,
            Self::Misaligned { .. } | Self::MisalignedStride { .. } => Status::Misaligned,
            Self::StructSize { .. } => Status::StructSize,
            Self::Stride { .. } | Self::Range { .. } => Status::Stride,
            Self::BufferSize { .. } => Status::BufferSize,
            Self::Option { .. } | Self::Contradiction(_) => Status::Option,
            Self::Engine(EngineError::Read { .. }) => Status::File,
            Self::Engine(_) => Status::Engine,
            Self::Camera(CalibrationError::Text(_)) => Status::File,
            Self::Camera(CalibrationError::Size(_)) | Self::Size(_) => Status::ImageSize,
            Self::Camera(_) => Status::Camera,
            Self::Inspect(InspectError::Gaps(_) | InspectError::Backend(BackendError::NotFitted)) => Status::Engine,
            Self::Inspect(InspectError::Backend(_)) => Status::Machine,
            Self::Inspect(_) => Status::Frame,
        }
    }
}
