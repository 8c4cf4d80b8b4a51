//! The CUDA back end. The whole method runs on an NVIDIA GPU: the two networks by the program's own kernels, or by an
//! implementation of [`Networks`].
//!
//! `docs/gpu.md` lists which parts were verified, and how. The back end was never run on a GPU.

mod anomaly;
mod backend;
mod blas;
mod buffers;
mod components;
mod describer;
mod device;
pub(super) mod error;
mod events;
mod examine;
mod fit;
mod frame;
mod graph;
mod grouping;
mod groups;
mod interpolate;
mod kernel_networks;
mod launch;
mod layer;
pub mod learner;
mod mapping;
mod mapping_limits;
mod module;
mod networks;
mod pixels;
mod prepare;
mod products;
mod registration;
mod resident;
mod sampling;
pub mod selftest;
mod work;

pub use backend::CudaBackend;
pub use device::{Gpu, gpu, make_current};
pub use error::CudaError;
pub use examine::examine;
pub use networks::{Described, Networks};
pub use selftest::run as run_selftest;

use crate::backend::error::BackendError;
use crate::backend::evaluation::Evaluation;
use crate::backend::learner::Learner;
use crate::backend::stages::{Backend, Describe};
use crate::calibration::assembly::OpenRegistrar;
use crate::model::{Architecture, MappingWeights, Weights};
use describer::CudaDescriber;
use learner::CudaLearner;

/// Opens the registration of depth to colour on the first GPU.
pub const REGISTRAR: Option<OpenRegistrar> = Some(registration::open);

/// Opens the whole method. `weights` has every tensor of [`Architecture::tensors`].
pub fn inspector(
    architecture: &Architecture,
    weights: Weights,
    evaluation: Evaluation,
) -> Result<Box<dyn Backend + Send>, BackendError> {
    Ok(Box::new(CudaBackend::new(architecture, weights, evaluation)?))
}

/// Opens the networks alone. `weights` may lack the mappings.
pub fn describer(architecture: &Architecture, weights: Weights) -> Result<Box<dyn Describe + Send>, BackendError> {
    Ok(Box::new(CudaDescriber::new(architecture, weights)?))
}

/// Checks that there is a GPU.
pub fn check_gpu() -> Result<(), BackendError> {
    Ok(device::gpu().map(|_| ())?)
}

/// Checks that there is a GPU, and that the libraries that learning needs are installed.
pub fn check_learner() -> Result<(), BackendError> {
    Ok(learner::check()?)
}

/// Opens both mappings for learning. `weights` are the initial ones: every tensor of [`Architecture::mapping_tensors`].
pub fn learner(architecture: &Architecture, weights: MappingWeights) -> Result<Box<dyn Learner>, BackendError> {
    Ok(Box::new(CudaLearner::new(architecture, weights)?))
}
