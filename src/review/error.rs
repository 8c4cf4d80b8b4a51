//! Why a recording cannot be reviewed.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use crate::conformal::CalibrateError;
use crate::dataset::DatasetError;
use crate::inspect::InspectError;

/// Why a recording cannot be reviewed. The message says what was expected and what to do.
#[derive(Debug, Error)]
pub enum ReviewError {
    #[error("{} has no recording: the folder parts/test is expected in it, which a station with [record] makes", path.display())]
    NoRecording { path: PathBuf },
    #[error("cannot list {}: {source}", path.display())]
    List { path: PathBuf, source: io::Error },
    #[error("{found:?} is not the name of a recorded part: one such as s00000001-0000000006 is expected")]
    Name { found: String },
    #[error(
        "the recording has no part {name}: list those that it has; the oldest are removed to keep to record.quota_mb"
    )]
    NoPart { name: String },
    #[error(transparent)]
    Dataset(#[from] DatasetError),
    #[error("cannot write {}: {source}; check the disk, and who may write there", path.display())]
    Write { path: PathBuf, source: io::Error },
    #[error("the mask has {bytes} bytes where at most {most} are expected: give a PNG of the photograph's size")]
    MaskBytes { bytes: usize, most: usize },
    #[error(
        "the part {name} was recorded by an earlier version, which did not store where its maps lie in the photograph: look at the photograph and at the maps themselves"
    )]
    NoWindow { name: String },
    #[error(
        "the record of the part {name} says that its maps show {found}, which no photograph has: the file is damaged"
    )]
    Window { name: String, found: String },
    #[error("the picture of the part {name} cannot be encoded: {source}")]
    Encode { name: String, source: image::ImageError },
    #[error("{}: {source}", path.display())]
    Inspect { path: PathBuf, source: InspectError },
    #[error(transparent)]
    Calibrate(#[from] CalibrateError),
    #[error(
        "no start of the station in this recording was judged by the engine {engine_sha256} alone, so that nothing is known of its good parts: give the engine that judged them"
    )]
    NoneJudged { engine_sha256: String },
    #[error("of the parts that this engine judged, none is known to be good: review those that it rejected")]
    NoneGood,
    #[error("the recording spans {parts} parts where at most {most} can be counted: record in a new folder")]
    TooMany { parts: u64, most: u64 },
    #[error(
        "{found} rejected parts were found good, of {good} good ones that were judged; with a false-reject rate of {rate} the threshold would lie below {limit}, where only a sample of the parts is recorded: review more of the rejected parts, ask for a lower rate, or find the threshold with `crosscheck calibrate`"
    )]
    Unrecorded { found: usize, good: u64, rate: f64, limit: f32 },
}
