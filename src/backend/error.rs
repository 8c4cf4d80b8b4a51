//! Errors of back ends.

use thiserror::Error;

use super::cuda::error::CudaError;
use super::tensorrt::error::TensorRtError;

/// Why a back end could not be opened, or failed on a frame.
#[derive(Debug, Error, PartialEq)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the messages name the fields")]
pub enum BackendError {
    /// The crate was built without the feature `cuda`.
    #[error(
        "this program was built without the CUDA back end: build it with --features cuda, or take the cpu back end"
    )]
    NotBuilt,
    /// The engine has not been fitted.
    #[error("the engine has no mappings yet: fit it on good parts, or import it with both mappings")]
    NotFitted,
    /// The crate was built without the feature `tensorrt`.
    #[error("this program was built without TensorRT: build it with --features tensorrt")]
    NoTensorRt,
    /// The GPU, its driver or its memory.
    #[error(transparent)]
    Cuda(#[from] CudaError),
    /// TensorRT, its libraries or its plans.
    #[error(transparent)]
    TensorRt(#[from] TensorRtError),
}
