//! Why a fit cannot begin or go on.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use crate::backend::BackendError;
use crate::inspect::Tally;
use crate::prepare::crop::CropMisfit;

/// Why a fit cannot begin or go on.
#[derive(Debug, Error)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the messages name the fields")]
pub enum FitError {
    /// No frame had a part in it.
    #[error("a fit needs at least one frame with a part in it; none of the {frames} frames had one")]
    NoFrames { frames: usize },
    /// An engine that standardises features of several blocks.
    #[error("the engine standardises its features, which needs a single tap of the shape network; it has {taps}")]
    Standardise { taps: usize },
    /// Features that do not fit into memory could not be stored.
    #[error("cannot keep the frames' features in {}: {source}; free some space, or write the engine elsewhere", folder.display())]
    Cache { folder: PathBuf, source: io::Error },
    /// The state could not be written.
    #[error("cannot keep the state of the fit in {}: {source}", path.display())]
    StateWrite { path: PathBuf, source: io::Error },
    /// The state is damaged, or of another fit.
    #[error("cannot continue the fit from {}: {reason}; leave out --resume to start again", path.display())]
    StateRead { path: PathBuf, reason: String },
    /// Stopped before the first epoch.
    #[error("the fit was interrupted before its first epoch: nothing was written")]
    Interrupted,
    /// The loss is not a number any more.
    #[error("epoch {epoch} has no finite loss: check the frames' clouds and the engine that the fit starts from")]
    Diverged { epoch: usize },
    /// The learnt weights are not numbers.
    #[error("{name} of the learnt mappings has a value that is not finite: nothing was written")]
    NotFinite { name: String },
    /// A frame in another unit than those before it.
    #[error(
        "points are {depth_m} m away where {usual_m} m was usual in the frames before: the unit of one of them is another; set depth_unit_m of the camera file (depth images), or --cloud-unit (clouds)"
    )]
    Unit { depth_m: f32, usual_m: f32 },
    /// Most frames had no part. Only the program checks this.
    #[error(
        "more than half of the frames are left out ({tally}): mend what is named there, or give --accept-left-out to learn from the others"
    )]
    LeftOut { tally: Tally },
    /// The crop does not fit the frame.
    #[error(transparent)]
    Crop(#[from] CropMisfit),
    /// The machine failed.
    #[error(transparent)]
    Backend(#[from] BackendError),
}
