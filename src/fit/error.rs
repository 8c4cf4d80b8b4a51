//! Why a fit cannot begin or go on.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use crate::backend::BackendError;
use crate::inspect::Tally;
use crate::prepare::crop::CropMisfit;

#[derive(Debug, Error)]
pub enum FitError {
    #[error("a fit needs at least one frame with a part in it; none of the {frames} frames had one")]
    NoFrames { frames: usize },
    #[error("the engine standardises its features, which needs a single tap of the shape network; it has {taps}")]
    Standardise { taps: usize },
    #[error("cannot keep the frames' features in {}: {source}; free some space, or write the engine elsewhere", folder.display())]
    Cache { folder: PathBuf, source: io::Error },
    #[error("cannot keep the state of the fit in {}: {source}", path.display())]
    StateWrite { path: PathBuf, source: io::Error },
    #[error("cannot continue the fit from {}: {reason}; leave out --resume to start again", path.display())]
    StateRead { path: PathBuf, reason: String },
    #[error("the fit was interrupted before its first epoch: nothing was written")]
    Interrupted,
    #[error("epoch {epoch} has no finite loss: check the frames' clouds and the engine that the fit starts from")]
    Diverged { epoch: usize },
    #[error("{name} of the learnt mappings has a value that is not finite: nothing was written")]
    NotFinite { name: String },
    #[error(
        "points are {depth_m} m away where {usual_m} m was usual in the frames before: the unit of one of them is another; set depth_unit_m of the camera file (depth images), or --cloud-unit (clouds)"
    )]
    Unit { depth_m: f32, usual_m: f32 },
    #[error(
        "more than half of the frames are left out ({tally}): mend what is named there, or give --accept-left-out to learn from the others"
    )]
    LeftOut { tally: Tally },
    #[error(transparent)]
    Crop(#[from] CropMisfit),
    #[error(transparent)]
    Backend(#[from] BackendError),
}
