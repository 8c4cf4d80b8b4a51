//! Examines the driver, the first GPU and its memory without running anything on it.

use std::ptr;

use cudarc::driver::CudaContext;
use cudarc::driver::sys::{self, CUdevice_attribute, CUmemPool_attribute};

use super::blas::Blas;
use super::device::{self, Device, Gpu};
use super::error::CudaError;
use crate::backend::BackendError;
use crate::backend::gpu_frame::GpuUse;
use crate::backend::gpu_report::{GpuFacts, GpuReport};

/// Examines this machine; an error if it has no driver.
pub fn examine() -> Result<GpuReport, BackendError> {
    let driver = device::driver_version()?;
    Ok(GpuReport { driver, gpu: facts().map_err(BackendError::from) })
}

fn facts() -> Result<GpuFacts, CudaError> {
    let Gpu { name, capability, multiprocessors, .. } = device::gpu()?;
    let context = device::make_current()?;
    let (memory_free, memory_total) = context.mem_get_info()?;
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

/// Describes an opened GPU whose engine has `weights` bytes of weights.
pub fn in_use(device: &Device, weights: usize) -> Result<GpuUse, CudaError> {
    // Memory that was given back counts as used until the streams have come to it.
    device.synchronize()?;
    let context = &device.context;
    let (memory_free, memory_total) = context.mem_get_info()?;
    let Gpu { name, capability, multiprocessors, driver } = device::gpu()?;
    Ok(GpuUse {
        name,
        driver,
        capability,
        multiprocessors,
        clock_khz: context.attribute(CUdevice_attribute::CU_DEVICE_ATTRIBUTE_CLOCK_RATE)?,
        weights,
        activations: allocated(context)?.map(|bytes| bytes.saturating_sub(weights)),
        memory_free,
        memory_total,
    })
}

/// Bytes of all buffers of this program on the device; none if its memory does not come from the driver's pool, which counts
/// them.
fn allocated(context: &CudaContext) -> Result<Option<usize>, CudaError> {
    if !context.has_async_alloc() {
        return Ok(None);
    }
    let (mut pool, mut bytes) = (ptr::null_mut(), 0u64);
    let used = CUmemPool_attribute::CU_MEMPOOL_ATTR_USED_MEM_CURRENT;
    // SAFETY: the context is alive, and each function writes one value of the type that it is given.
    unsafe {
        sys::cuDeviceGetDefaultMemPool(&mut pool, context.cu_device()).result()?;
        sys::cuMemPoolGetAttribute(pool, used, ptr::from_mut(&mut bytes).cast()).result()?;
    }
    Ok(Some(bytes as usize))
}
