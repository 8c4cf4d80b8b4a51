//! Opens the GPU: its context, streams and the kernels. A missing driver is an error, not a panic.

use std::sync::Arc;

use cudarc::driver::sys::CUdevice_attribute;
use cudarc::driver::{CudaContext, CudaStream, result, sys};

use super::error::CudaError;
use super::events::Events;
use super::module::Kernels;
use super::sampling::SAMPLE_BLOCKS;

/// The CUDA version that a driver must be for. Every driver for CUDA 12 compiles the kernels' PTX, which is of version 7.
const DRIVER_MIN: (i32, i32) = (12, 0);
/// The compute capability that the PTX is compiled for, that of Ampere. Later GPUs run it too.
const CAPABILITY_MIN: (i32, i32) = (8, 0);

/// The properties of a GPU that plans depend on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gpu {
    pub name: String,
    pub capability: (i32, i32),
    pub multiprocessors: i32,
    /// The CUDA version that its driver is for, major and minor.
    pub driver: (i32, i32),
}

/// The first GPU, and its driver.
pub fn gpu() -> Result<Gpu, CudaError> {
    let context = make_current()?;
    let (name, capability) = (context.name()?, context.compute_capability()?);
    Ok(Gpu { name, capability, multiprocessors: multiprocessors(&context)?, driver: driver_version()? })
}

fn multiprocessors(context: &CudaContext) -> Result<i32, CudaError> {
    Ok(context.attribute(CUdevice_attribute::CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT)?)
}

/// Makes the context of the first GPU current on this thread. Everyone who opens that GPU gets the same context.
pub fn make_current() -> Result<Arc<CudaContext>, CudaError> {
    find_driver()?;
    let context = CudaContext::new(0).map_err(CudaError::Context)?;
    context.bind_to_thread()?;
    Ok(context)
}

/// The first GPU, opened. Only [`Device::fork`] and [`Device::join`] order the work of the streams, as buffers have no
/// events of their own.
pub struct Device {
    pub name: String,
    pub context: Arc<CudaContext>,
    /// The stream of the work on colour.
    pub colour: Arc<CudaStream>,
    /// The stream of the work on shape, and of everything that comes after colour and shape. Its priority is the highest,
    /// except [beside](Self::beside) another device.
    pub shape: Arc<CudaStream>,
    /// The stream of the work on pixels that needs neither features nor tokens.
    pub pixels: Arc<CudaStream>,
    pub kernels: Arc<Kernels>,
    pub events: Events,
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
        let processors = usize::try_from(multiprocessors(&context)?).unwrap_or_default();
        if cooperative == 0 || processors < SAMPLE_BLOCKS {
            return Err(CudaError::SmallDevice { name, blocks: SAMPLE_BLOCKS });
        }
        // SAFETY: whoever uses several streams orders their work, and whoever drops buffers waits for the streams first.
        // Events of each buffer would cost two calls for every argument of a launch, and cannot be recorded in a graph.
        unsafe { context.disable_event_tracking() };
        let kernels = Arc::new(Kernels::load(&context, processors)?);
        // Blocks of the sampler need whole multiprocessors, which the colour network would keep occupied: where both
        // have blocks to start, those of a stream with a higher priority, a lower number, are started first.
        let (_, greatest) = result::stream::get_priority_range()?;
        Self::with_streams((name, context, kernels), greatest)
    }

    /// The same GPU with streams of its own, whose work runs beside that in the other streams, of which it has the lowest
    /// priority. Nothing orders one after the other.
    pub fn beside(&self) -> Result<Self, CudaError> {
        self.context.bind_to_thread()?;
        let (least, _) = result::stream::get_priority_range()?;
        Self::with_streams((self.name.clone(), self.context.clone(), self.kernels.clone()), least)
    }

    fn with_streams(
        (name, context, kernels): (String, Arc<CudaContext>, Arc<Kernels>),
        of_shape: i32,
    ) -> Result<Self, CudaError> {
        let (least, _) = result::stream::get_priority_range()?;
        let shape = context.new_stream_with_priority(of_shape)?;
        let (colour, pixels) = (context.new_stream_with_priority(least)?, context.new_stream_with_priority(least)?);
        let events = Events::new(&context)?;
        Ok(Self { name, context, colour, shape, pixels, kernels, events })
    }

    /// Makes later work in `stream` wait for the work that is in the shape stream now.
    pub fn fork(&self, stream: &CudaStream) -> Result<(), CudaError> {
        Ok(stream.join(&self.shape)?)
    }

    /// Makes later work in the shape stream wait for the work that is in `stream` now.
    pub fn join(&self, stream: &CudaStream) -> Result<(), CudaError> {
        Ok(self.shape.join(stream)?)
    }

    /// Waits for all work in all streams.
    pub fn synchronize(&self) -> Result<(), CudaError> {
        [&self.colour, &self.pixels, &self.shape].into_iter().try_for_each(|stream| Ok(stream.synchronize()?))
    }

    /// Waits for all work in all streams before memory is freed. An error is only logged.
    pub fn end(&self) {
        if let Err(error) = self.synchronize() {
            log::warn!("the GPU did not complete its work: {error}");
        }
    }

    /// Logs the name of the GPU and how much of its memory is free.
    pub fn log(&self) -> Result<(), CudaError> {
        let (free, total) = self.context.mem_get_info()?;
        log::info!("the GPU is {}; {} MB of its {} MB of memory are free", self.name, free >> 20, total >> 20);
        Ok(())
    }
}

/// The CUDA version that the driver is for, major and minor. No function of the driver's library may be called before this
/// check: if the library is missing or lacks the function, the call panics.
pub fn driver_version() -> Result<(i32, i32), CudaError> {
    // SAFETY: this loads the system's own driver library, whose start-up code is NVIDIA's, and closes it again.
    if !unsafe { sys::is_culib_present() } {
        return Err(CudaError::NoDriver);
    }
    let mut version = 0;
    // SAFETY: the library is installed; every version of it has this function, which writes only the number that it is
    // given.
    unsafe { sys::cuDriverGetVersion(&mut version) }.result().map_err(CudaError::NoDevice)?;
    Ok((version / 1000, version % 1000 / 10))
}

/// Checks that there is a driver that finds a GPU and accepts the kernels' PTX.
fn find_driver() -> Result<(), CudaError> {
    let (major, minor) = driver_version()?;
    if (major, minor) < DRIVER_MIN {
        return Err(CudaError::OldDriver { major, minor });
    }
    match CudaContext::device_count() {
        Ok(count) if count > 0 => Ok(()),
        Ok(_) => Err(CudaError::NoDevice(cudarc::driver::DriverError(sys::CUresult::CUDA_ERROR_NO_DEVICE))),
        Err(error) => Err(CudaError::NoDevice(error)),
    }
}
