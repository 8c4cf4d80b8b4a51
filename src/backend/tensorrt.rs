//! Plans of TensorRT and TensorRT-RTX for the graphs that `onnx` writes. Plans are built, kept on disk, and run on the
//! CUDA back end's buffers as its [`super::cuda::Networks`].
//!
//! Builds by TensorRT-RTX are verified without a GPU (ci/tensorrt); no plan was ever run (docs/gpu.md).

mod builder;
mod cache;
mod compiled;
mod content;
pub(super) mod error;
mod key;
mod library;
mod memory;
mod network;
mod networks;
mod selftest;
mod set;
mod sys;
mod version;

pub use cache::Cache;
pub use error::TensorRtError;
pub use library::Library;
pub use networks::{OnDevice, kept};
pub use selftest::run as run_selftest;
pub use set::Set;
pub use version::Version;

use super::cuda::{self, CudaBackend};
use super::error::BackendError;
use super::evaluation::Evaluation;
use super::plans::{Facts, Report, Request, Verdict};
use super::stages::Backend;
use crate::model::{Architecture, Weights};

/// Opens the whole method. The networks run by checked plans if such are kept; else by the program's own kernels, and the
/// log states why. `weights` has every tensor of [`Architecture::tensors`].
pub fn inspector(
    architecture: &Architecture,
    weights: Weights,
    evaluation: Evaluation,
) -> Result<Box<dyn Backend + Send>, BackendError> {
    match kept(&Request::of_this(architecture, &weights)) {
        Ok(Some(plans)) => {
            let backend = CudaBackend::with_networks(architecture, weights, evaluation, Box::new(plans))?;
            return Ok(Box::new(backend));
        }
        Ok(None) => log::info!("no plans of TensorRT are in use: the networks run by the program's own kernels"),
        Err(error) => log::warn!("the networks run by the program's own kernels: {error}"),
    }
    Ok(Box::new(CudaBackend::new(architecture, weights, evaluation)?))
}

/// Opens the installed libraries that this program was built for, and returns the name and version of each.
pub fn installed() -> Result<Vec<String>, BackendError> {
    Ok(Library::all()?.iter().map(Library::name).collect())
}

/// Builds the plans that are not kept yet; `report` is called at every step and returns whether to go on.
pub fn build_plans(request: &Request<'_>, report: Report<'_>) -> Result<Vec<Facts>, BackendError> {
    Ok(Set::asked(request)?.build(&Cache::new(request.cache)?, report)?)
}

/// Opens the whole method with the kept plans of `request`, even if they were not checked, so that they can be checked.
pub fn open_unchecked(request: &Request<'_>, evaluation: Evaluation) -> Result<Box<dyn Backend + Send>, BackendError> {
    let set = Set::asked(request)?;
    let cache = Cache::new(request.cache)?;
    let plans = set.read(&cache)?.ok_or(TensorRtError::NoPlans)?;
    Ok(Box::new(set.open(&plans, &cache, (request.architecture, request.weights), evaluation)?))
}

/// Opens the whole method with the program's own kernels, which plans are compared with.
pub fn open_kernels(request: &Request<'_>, evaluation: Evaluation) -> Result<Box<dyn Backend + Send>, BackendError> {
    cuda::inspector(request.architecture, request.weights.clone(), evaluation)
}

/// Stores what a check found of the kept plans of `request`: they are used if they were right and not slower than the
/// kernels.
pub fn keep_verdict(request: &Request<'_>, verdict: &Verdict) -> Result<(), BackendError> {
    Set::asked(request)?.keep_check(&Cache::new(request.cache)?, verdict)
}
