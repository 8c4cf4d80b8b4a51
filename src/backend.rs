//! The boundary between the method and the machine that runs it: an engine goes in and its networks, mappings and
//! learners come out, on the CPU or on a GPU.

pub mod arithmetic;
pub mod count;
pub mod cpu;
#[cfg(feature = "cuda")]
pub mod cuda;
#[cfg(not(feature = "cuda"))]
#[path = "backend/without_cuda.rs"]
mod cuda;
mod error;
mod evaluation;
mod features;
pub mod gpu_frame;
pub mod gpu_report;
mod kernel_sizes;
pub mod learner;
mod machine;
mod maps;
pub mod plans;
pub mod selftest;
mod stages;
#[cfg(feature = "tensorrt")]
pub mod tensorrt;
#[cfg(not(feature = "tensorrt"))]
#[path = "backend/without_tensorrt.rs"]
mod tensorrt;

pub use arithmetic::Arithmetic;
pub use cuda::examine as examine_gpu;
pub use error::BackendError;
pub use evaluation::Evaluation;
pub use features::{Features, XyzGroups};
pub use machine::{Choice, Machine};
pub use maps::AnomalyMaps;
pub use stages::{Backend, Describe, PreparationMachine};
pub use tensorrt::installed as installed_tensorrt;
pub use tensorrt::{build_plans, keep_verdict, open_kernels, open_unchecked, run_selftest};
