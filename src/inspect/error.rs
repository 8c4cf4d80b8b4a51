//! Why a frame was not inspected.

use thiserror::Error;

use super::outcome::Unscored;
use crate::backend::BackendError;
use crate::gap::GapError;
use crate::prepare::crop::CropMisfit;
use crate::regions::Misfit;

#[derive(Debug, Error, PartialEq)]
pub enum InspectError {
    #[error("the frame was not scored: {0}")]
    NotScored(Unscored),
    #[error(
        "points are {depth_m} m away, but {usual_m} m was usual in the fit: their unit differs from that of the fit; set depth_unit_m of the camera file (depth images), or --cloud-unit (clouds)"
    )]
    Unit { depth_m: f32, usual_m: f32 },
    #[error(transparent)]
    Crop(#[from] CropMisfit),
    #[error(transparent)]
    Regions(#[from] Misfit),
    #[error(transparent)]
    Gaps(#[from] GapError),
    #[error(transparent)]
    Backend(#[from] BackendError),
}
