//! Examines the driver and the first GPU without running anything on it.

use cudarc::driver::sys::CUdevice_attribute;

use super::blas::Blas;
use super::device::{self, Device};
use super::error::CudaError;
use crate::backend::BackendError;
use crate::backend::gpu_report::{GpuFacts, GpuReport};

/// Examines this machine; an error if it has no driver.
pub fn examine() -> Result<GpuReport, BackendError> {
    let driver = device::driver_version()?;
    Ok(GpuReport { driver, gpu: facts().map_err(BackendError::from) })
}

fn facts() -> Result<GpuFacts, CudaError> {
    let context = device::make_current()?;
    let (memory_free, memory_total) = context.mem_get_info()?;
    let multiprocessors = context.attribute(CUdevice_attribute::CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT)?;
    let (name, capability) = (context.name()?, context.compute_capability()?);
    let blas = context.new_stream().map_err(CudaError::from).and_then(|stream| Ok(Blas::open(&stream)?.version));
    Ok(GpuFacts {
        name,
        capability,
        multiprocessors,
        memory_free,
        memory_total,
        kernels: Device::open().map(|_| ()).map_err(BackendError::from),
        blas: blas.map_err(BackendError::from),
    })
}
