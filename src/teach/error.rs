//! Why a lesson does not go on.

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::calibration::CalibrationError;
use crate::calibration::survey::SurveyError;
use crate::camera::CameraError;
use crate::collect::CollectError;
use crate::config::ConfigError;
use crate::conformal::CalibrateError;
use crate::dataset::DatasetError;
use crate::evaluate::protocol::EvaluateError;
use crate::fit::FitError;
use crate::inspect::InspectError;
use crate::model::engine_file::EngineError;
use crate::prepare::crop::CropMisfit;
use crate::regions::RegionsError;
use crate::review::ReviewError;
use crate::runtime::judgement::JudgementError;
use crate::text::TextError;

/// Why a lesson does not go on.
#[derive(Debug, Error)]
pub enum TeachError {
    #[error("interrupted: run the step again to go on")]
    Interrupted,
    #[error("there is no lesson in {}: no lesson.json is there; `crosscheck teach --collect` begins one", folder.display())]
    NoLesson { folder: PathBuf },
    #[error("there is a lesson in {} already: choose another folder", folder.display())]
    Exists { folder: PathBuf },
    #[error("{} has format {found} where {expected} is expected: another version of this program wrote it", path.display())]
    Format { path: PathBuf, found: u64, expected: u32 },
    #[error("{} is not valid: {reason}", path.display())]
    Invalid { path: PathBuf, reason: String },
    #[error("another process works on the lesson in {}: wait for it, or end it", folder.display())]
    Busy { folder: PathBuf },
    #[error("the lesson in {} has no parts in {set} yet: collect some first", folder.display())]
    NoParts { folder: PathBuf, set: &'static str },
    #[error("the lesson in {} has no engine of its parts and its scene yet: run the step learn first", folder.display())]
    NotLearnt { folder: PathBuf },
    #[error("the engine of the lesson in {} has no threshold yet: run the step calibrate first", folder.display())]
    NotCalibrated { folder: PathBuf },
    #[error(
        "no part of the lesson in {} passes by its own engine, so that it cannot be checked before it takes over: look at the scores, and collect other parts",
        folder.display()
    )]
    NonePasses { folder: PathBuf },
    #[error(
        "{} is not in teach.folder of the configuration, where the station looks for what it was taught: it has {configured}",
        folder.display()
    )]
    Elsewhere { folder: PathBuf, configured: String },
    #[error("recipe {number} has no name yet: give one")]
    NoName { number: u16 },
    #[error("the station has no recipe {number} whose parts could have been reviewed")]
    NoRecipe { number: u16 },
    #[error("recipe {number} is there already, for another product: choose a number that no recipe and no lesson has")]
    Taken { number: u16 },
    #[error("{} has no [record], so that no part could be reviewed: add it with a folder", config.display())]
    NoRecording { config: PathBuf },
    #[error("no part of recipe {number} is recorded in {}: let the station run, and review some parts", folder.display())]
    NoneRecorded { number: u16, folder: PathBuf },
    #[error(
        "no recorded good part passes by the revised engine, so that it cannot be checked before it takes over: review more parts, or record some of those that pass with record.pass_share"
    )]
    NonePassesAgain,
    #[error("there is no revision in {}: make one with the step revise", folder.display())]
    NoRevision { folder: PathBuf },
    #[error("the revision in {} was made for another engine than the one in force, or its engine is another one: make it again with the step revise", folder.display())]
    Outdated { folder: PathBuf },
    #[error("the step {step} needs the configuration of a station: give --config")]
    NoConfiguration { step: &'static str },
    #[error("the engine was taught and does not pass its check: {0}")]
    Check(#[from] JudgementError),
    #[error("{}: {source}", path.display())]
    Frame { path: PathBuf, source: Box<TeachError> },
    #[error("cannot write {}: {source}", path.display())]
    Write { path: PathBuf, source: io::Error },
    #[error("cannot read {}: {source}", path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error(transparent)]
    Text(#[from] TextError),
    #[error(transparent)]
    Evaluate(#[from] EvaluateError),
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Calibration(#[from] CalibrationError),
    #[error(transparent)]
    Camera(#[from] CameraError),
    #[error(transparent)]
    Survey(#[from] SurveyError),
    #[error(transparent)]
    Collect(#[from] CollectError),
    #[error(transparent)]
    Dataset(#[from] DatasetError),
    #[error(transparent)]
    Crop(#[from] CropMisfit),
    #[error(transparent)]
    Engine(#[from] EngineError),
    #[error(transparent)]
    Fit(#[from] FitError),
    #[error(transparent)]
    Inspect(#[from] InspectError),
    #[error(transparent)]
    Calibrate(#[from] CalibrateError),
    #[error(transparent)]
    Regions(#[from] RegionsError),
    #[error(transparent)]
    Review(#[from] ReviewError),
}

impl TeachError {
    /// The error of a file that could not be written.
    pub(super) fn write(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Write { path, source }
    }

    /// The error of the frame in a file.
    pub(super) fn frame<E: Into<Self>>(path: &Path) -> impl FnOnce(E) -> Self {
        let path = path.into();
        move |source| Self::Frame { path, source: Box::new(source.into()) }
    }
}
