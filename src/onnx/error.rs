//! Errors of ONNX graphs.

use std::path::PathBuf;

use thiserror::Error;

use crate::model::Score;

#[derive(Debug, Error, PartialEq)]
pub enum OnnxError {
    #[error("the engine has no mappings, of which the graphs contain parts: fit it on good parts first")]
    NotFitted,
    #[error(
        "the engine's score is {}, whose mappings have no graphs yet: fit it with --score product", .0.name()
    )]
    Score(Score),
    #[error("the weight {name} has a value that f16 cannot hold ({value}): use --precision f32")]
    Range { name: String, value: f32 },
    #[error(
        "values of {name} may reach {largest:.0}, which f16 cannot hold: use --precision f32; TensorRT's plans, which pass halves on, cannot be used for this engine"
    )]
    Output { name: String, largest: f64 },
    #[error("cannot write {}: {reason}", path.display())]
    Write { path: PathBuf, reason: String },
}
