//! What a machine offers to the CUDA back end.

use super::error::BackendError;

/// The driver, and the first GPU that it finds.
#[derive(Debug)]
pub struct GpuReport {
    /// The CUDA version that the driver is for, major and minor.
    pub driver: (i32, i32),
    /// The GPU; the error states why it cannot be used.
    pub gpu: Result<GpuFacts, BackendError>,
}

/// A GPU, and which parts of the back end can use it.
#[derive(Debug)]
pub struct GpuFacts {
    pub name: String,
    /// The compute capability, major and minor.
    pub capability: (i32, i32),
    pub multiprocessors: i32,
    /// Bytes of the GPU's memory.
    pub memory_free: usize,
    pub memory_total: usize,
    /// Whether the driver compiles the kernels for this GPU.
    pub kernels: Result<(), BackendError>,
    /// The version of cuBLAS, major and minor, which a fit on the GPU needs.
    pub blas: Result<(i32, i32), BackendError>,
}
