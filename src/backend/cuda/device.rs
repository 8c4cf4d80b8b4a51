//! The GPU: found without a panic, its context, two streams and the kernels.

use std::sync::Arc;

use cudarc::driver::sys::CUdevice_attribute;
use cudarc::driver::{CudaContext, CudaStream, sys};

use super::error::CudaError;
use super::grouping::SAMPLE_BLOCKS;
use super::module::Kernels;

/// CUDA 12.6, as the driver counts: the first whose driver compiles the PTX of the kernels.
const DRIVER_MIN: i32 = 12060;
/// What the PTX is for: Ampere and later.
const CAPABILITY_MIN: (i32, i32) = (8, 0);

/// What plans for a GPU depend on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gpu {
    pub name: String,
    pub capability: (i32, i32),
}

/// The first GPU.
pub fn gpu() -> Result<Gpu, CudaError> {
    let context = make_current()?;
    Ok(Gpu { name: context.name()?, capability: context.compute_capability()? })
}

/// The context of the first GPU, which is this thread's from now on: one for all that have it.
pub fn make_current() -> Result<Arc<CudaContext>, CudaError> {
    find_driver()?;
    let context = CudaContext::new(0).map_err(CudaError::Context)?;
    context.bind_to_thread()?;
    Ok(context)
}

/// The first GPU, opened. What both streams use is kept in order by [`Device::fork`] and [`Device::join`] alone: buffers
/// carry no events of their own.
pub struct Device {
    pub name: String,
    pub context: Arc<CudaContext>,
    /// The work on colour, and that on shape and on pixels.
    pub colour: Arc<CudaStream>,
    pub shape: Arc<CudaStream>,
    pub kernels: Kernels,
}

impl Device {
    pub fn open() -> Result<Self, CudaError> {
        find_driver()?;
        let context = CudaContext::new(0).map_err(CudaError::Context)?;
        let name = context.name()?;
        let capability = context.compute_capability()?;
        if capability < CAPABILITY_MIN {
            return Err(CudaError::OldDevice { name, major: capability.0, minor: capability.1 });
        }
        let cooperative = context.attribute(CUdevice_attribute::CU_DEVICE_ATTRIBUTE_COOPERATIVE_LAUNCH)?;
        let processors = context.attribute(CUdevice_attribute::CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT)?;
        if cooperative == 0 || processors < SAMPLE_BLOCKS as i32 {
            return Err(CudaError::SmallDevice { name, blocks: SAMPLE_BLOCKS });
        }
        // SAFETY: both streams are kept in order by whoever uses both, and whoever drops buffers has waited for them.
        // Events of each buffer would cost two calls for every argument of a launch, and cannot be recorded in a graph.
        unsafe { context.disable_event_tracking() };
        let (colour, shape) = (context.new_stream()?, context.new_stream()?);
        let kernels = Kernels::load(&context)?;
        Ok(Self { name, context, colour, shape, kernels })
    }

    /// What is put into the stream of colour from now on waits for what is in that of shape.
    pub fn fork(&self) -> Result<(), CudaError> {
        Ok(self.colour.join(&self.shape)?)
    }

    /// What is put into the stream of shape from now on waits for what is in that of colour.
    pub fn join(&self) -> Result<(), CudaError> {
        Ok(self.shape.join(&self.colour)?)
    }

    /// Waits for all that was put into either stream.
    pub fn synchronize(&self) -> Result<(), CudaError> {
        self.colour.synchronize()?;
        Ok(self.shape.synchronize()?)
    }

    /// The same before memory is given back, when an error can only be told.
    pub fn end(&self) {
        if let Err(error) = self.synchronize() {
            log::warn!("the GPU did not end its work: {error}");
        }
    }

    /// Logs which GPU it is, and how much of its memory is free.
    pub fn log(&self) -> Result<(), CudaError> {
        let (free, total) = self.context.mem_get_info()?;
        log::info!("the GPU is {}; of its memory {} MB of {} MB are free", self.name, free >> 20, total >> 20);
        Ok(())
    }
}

/// Whether there is a driver that knows a GPU and the kernels' PTX. Before this the driver's library must not be called:
/// where it is missing, or lacks a function, the calls panic.
fn find_driver() -> Result<(), CudaError> {
    // SAFETY: loads the system's own driver library and closes it again, whose start-up code is NVIDIA's.
    if !unsafe { sys::is_culib_present() } {
        return Err(CudaError::NoDriver);
    }
    let mut version = 0;
    // SAFETY: the library is there, the function is in every version of it and writes the one number it is given.
    unsafe { sys::cuDriverGetVersion(&mut version) }.result().map_err(CudaError::NoDevice)?;
    if version < DRIVER_MIN {
        return Err(CudaError::OldDriver { major: version / 1000, minor: version % 1000 / 10 });
    }
    match CudaContext::device_count() {
        Ok(count) if count > 0 => Ok(()),
        Ok(_) => Err(CudaError::NoDevice(cudarc::driver::DriverError(sys::CUresult::CUDA_ERROR_NO_DEVICE))),
        Err(error) => Err(CudaError::NoDevice(error)),
    }
}
