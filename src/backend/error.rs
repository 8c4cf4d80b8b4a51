//! Errors of back ends.

use thiserror::Error;

use super::cuda::error::CudaError;
use super::tensorrt::error::TensorRtError;

/// Why a back end could not be opened, or failed on a frame.
#[derive(Debug, Error, PartialEq)]
pub enum BackendError {
    #[error(
        "this program was built without the CUDA back end: build it with --features cuda, or take the cpu back end"
    )]
    NotBuilt,
    #[error("the engine has no mappings yet: fit it on good parts, or import it with both mappings")]
    NotFitted,
    #[error("this program was built without TensorRT: build it with --features tensorrt")]
    NoTensorRt,
    #[error(transparent)]
    Cuda(#[from] CudaError),
    #[error(transparent)]
    TensorRt(#[from] TensorRtError),
}
