//! Errors of ONNX graphs.

use std::path::PathBuf;

use thiserror::Error;

#[derive(Debug, Error, PartialEq)]
pub enum OnnxError {
    #[error("the engine has no mappings, of which the graphs contain parts: fit it on good parts first")]
    NotFitted,
    #[error("the weight {name} has a value that f16 cannot hold ({value}): use --precision f32")]
    Range { name: String, value: f32 },
    #[error("cannot write {}: {reason}", path.display())]
    Write { path: PathBuf, reason: String },
}
