//! Why a frame was not inspected.

use thiserror::Error;

use super::outcome::Unscored;
use crate::backend::BackendError;
use crate::gap::GapError;
use crate::prepare::crop::CropMisfit;
use crate::regions::Misfit;

/// Why a frame was not inspected. Such a part is not known to be good: reject it.
#[derive(Debug, Error, PartialEq)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the messages name the fields")]
pub enum InspectError {
    /// A score was asked for, and the frame has none.
    #[error("the frame was not scored: {0}")]
    NotScored(Unscored),
    /// The points are in another unit than those of the fit.
    #[error(
        "points are {depth_m} m away, but {usual_m} m was usual in the fit: their unit differs from that of the fit; set depth_unit_m of the camera file (depth images), or --cloud-unit (clouds)"
    )]
    Unit { depth_m: f32, usual_m: f32 },
    /// The crop does not fit the frame.
    #[error(transparent)]
    Crop(#[from] CropMisfit),
    /// The regions do not fit the frame.
    #[error(transparent)]
    Regions(#[from] Misfit),
    /// The engine's check for gaps cannot be used.
    #[error(transparent)]
    Gaps(#[from] GapError),
    /// The machine failed.
    #[error(transparent)]
    Backend(#[from] BackendError),
}
