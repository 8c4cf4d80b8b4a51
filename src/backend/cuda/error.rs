//! Errors of the CUDA back end.

use cudarc::cublas::result::CublasError;
use cudarc::driver::DriverError;
use thiserror::Error;

use crate::fold::range::HALF_LIMIT;
use crate::model::Score;

#[derive(Debug, Error, PartialEq)]
pub enum CudaError {
    #[error("no CUDA driver: libcuda.so.1 is not found; install NVIDIA's driver, or take the cpu back end")]
    NoDriver,
    #[error(
        "the CUDA driver is for CUDA {major}.{minor} where 12.0 or later is expected; update it, or take the cpu back end"
    )]
    OldDriver { major: i32, minor: i32 },
    #[error("the CUDA driver finds no GPU: {0}; check nvidia-smi, or take the cpu back end")]
    NoDevice(DriverError),
    #[error("the GPU cannot be opened: {0}; check nvidia-smi, or take the cpu back end")]
    Context(DriverError),
    #[error(
        "the GPU {name} has compute capability {major}.{minor} where 8.0 or later is expected; take the cpu back end"
    )]
    OldDevice { name: String, major: i32, minor: i32 },
    #[error("the GPU {name} cannot hold {blocks} blocks at once, which sampling needs; take the cpu back end")]
    SmallDevice { name: String, blocks: usize },
    #[error("the driver refuses the kernels of {family}: {source}; update the driver, or take the cpu back end")]
    Module { family: &'static str, source: DriverError },
    #[error("the kernel {name} cannot be launched: {source}")]
    Kernel { name: &'static str, source: DriverError },
    #[error("a call to the GPU failed: {0}; check its memory, and the system's log for Xid messages")]
    Driver(#[from] DriverError),
    #[error("a group has {k} points where the GPU allows at most {k_max}; take the cpu back end")]
    GroupSize { k: usize, k_max: usize },
    #[error(
        "values of {name} may reach {largest:.0}, and the GPU keeps them as halves, which are used up to {HALF_LIMIT:.0}; take the cpu back end, or fit the engine again"
    )]
    BeyondHalves { name: String, largest: f64 },
    #[error("the score {} needs the networks of the program's own kernels: plans compute no terms of it", .0.name())]
    Graphs(Score),
    #[error("the networks on the GPU failed: {0}")]
    Networks(String),
    #[error(
        "no cuBLAS: libcublas.so.12 and libcublasLt.so.12 are not found; install NVIDIA's package libcublas-12-6 (JetPack has it too), or learn on the CPU: --backend cpu"
    )]
    NoBlas,
    #[error("cuBLAS {major}.{minor} where 12.0 or later is expected; update it, or learn on the CPU: --backend cpu")]
    OldBlas { major: i32, minor: i32 },
    #[error("a call to cuBLAS failed: {0}; check the GPU's memory, and the system's log for Xid messages")]
    Blas(#[from] CublasError),
}
