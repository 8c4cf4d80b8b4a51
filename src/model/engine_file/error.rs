//! The error of reading, writing and setting up an engine.

use std::path::PathBuf;

use thiserror::Error;

use crate::prepare::Stride;
use crate::signature::SignatureError;

/// The version of the engine file's layout. A file of another version is refused.
pub const FORMAT: u32 = 1;

/// Why an engine file or an engine is refused.
#[derive(Debug, Error)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the messages name the fields")]
pub enum EngineError {
    /// The file cannot be read.
    #[error("cannot read the engine {}: {source}", path.display())]
    Read { path: PathBuf, source: std::io::Error },
    /// The file cannot be written.
    #[error("cannot write the engine {}: {source}", path.display())]
    Write { path: PathBuf, source: std::io::Error },
    /// The file is not an engine.
    #[error("{} is not an engine file: {reason}; make one with `crosscheck import`", path.display())]
    Kind { path: PathBuf, reason: String },
    /// The file is of another version of the format.
    #[error(
        "the engine {} has format {found}, this program reads format {FORMAT}: make it again with `crosscheck import` of this version",
        path.display()
    )]
    Version { path: PathBuf, found: String },
    /// No key that is trusted has signed it.
    #[error(transparent)]
    Signature(#[from] SignatureError),
    /// The content is not what was written.
    #[error("the engine {} is damaged: {reason}; copy or import it again", path.display())]
    Damaged { path: PathBuf, reason: String },
    /// It was fitted in another scene than is asked for.
    #[error(
        "the engine was fitted in another scene: {difference}; fit it again with this scene, or leave the scene out to use the engine's own"
    )]
    Scene { difference: String },
    /// It was calibrated with another stride than is asked for.
    #[error(
        "the engine was calibrated with --stride {}, but {} is asked for: calibrate it again, or leave --stride out",
        engine.pixels(),
        asked.pixels()
    )]
    Stride { engine: Stride, asked: Stride },
    /// A weight that the file cannot hold.
    #[error("the tensor {name} has a value that {} ({value}): {}", if value.is_finite() { "f16 cannot hold" } else { "is not finite" }, if value.is_finite() { "use --precision f32" } else { "nothing was written" })]
    Range { name: String, value: f32 },
}
