//! Work that is the same for every frame, recorded once as a CUDA graph and replayed: one call of the driver in place of
//! some dozens, each of which takes the host a few microseconds.

use std::sync::Arc;
use std::time::Duration;

use cudarc::driver::sys::{
    self, CUevent_flags, CUevent_record_flags, CUgraphInstantiate_flags, CUresult, CUstreamCaptureMode,
    CUstreamCaptureStatus,
};
use cudarc::driver::{CudaContext, CudaEvent, CudaGraph, CudaStream, DriverError};

use super::CudaError;
use super::device::Device;

/// A piece of a frame's work and how it is run from now on.
#[derive(Default)]
pub enum Recording {
    /// Not run yet. The first time is without a graph: kernels are loaded, and networks make ready.
    #[default]
    New,
    Ran,
    Recorded(Graph),
    /// The driver does not take it as a graph.
    Refused,
}

/// A graph that any thread may launch, one at a time.
pub struct Graph(CudaGraph);

// SAFETY: the driver lets any thread use a graph, by one at a time: it is behind `&mut`. The stream that it keeps is Send.
unsafe impl Send for Graph {}

impl Recording {
    /// Puts `work` into the streams. It begins and ends in the device's stream of shape, only puts work into streams, and
    /// does the same each time with the same memory.
    pub fn run(&mut self, device: &Device, mut work: impl FnMut() -> Result<(), CudaError>) -> Result<(), CudaError> {
        // Kernels that are timed one by one are launched one by one.
        if device.kernels.are_timed() {
            return work();
        }
        if matches!(self, Self::Ran) {
            self.record(device, &mut work);
        }
        match self {
            Self::Recorded(graph) => Ok(graph.0.launch()?),
            Self::New => {
                work()?;
                *self = Self::Ran;
                Ok(())
            }
            Self::Ran | Self::Refused => work(),
        }
    }

    /// Records `work`, which has run before or is like what has, and does not run it.
    pub fn record(&mut self, device: &Device, mut work: impl FnMut() -> Result<(), CudaError>) {
        *self = match record(device, &mut work) {
            Ok(graph) => Self::Recorded(Graph(graph)),
            Err(error) => {
                log::warn!("a frame's work is not taken as a graph: {error}; it is launched step by step");
                Self::Refused
            }
        };
    }
}

fn record(device: &Device, work: &mut impl FnMut() -> Result<(), CudaError>) -> Result<CudaGraph, CudaError> {
    let shape = &device.shape;
    // Other threads may use the device as they like meanwhile.
    shape.begin_capture(CUstreamCaptureMode::CU_STREAM_CAPTURE_MODE_THREAD_LOCAL)?;
    let worked = work();
    // Ended in any case, so that the streams are streams again.
    let graph = shape.end_capture(CUgraphInstantiate_flags(0));
    worked?;
    let nothing = DriverError(CUresult::CUDA_ERROR_STREAM_CAPTURE_INVALIDATED);
    Ok(graph?.ok_or(nothing)?)
}

/// When a frame began on the device, and its tokens and groups were there: events that a graph records too.
pub struct Marks {
    begun: CudaEvent,
    tokens: CudaEvent,
    groups: CudaEvent,
}

impl Marks {
    pub fn new(context: &Arc<CudaContext>) -> Result<Self, CudaError> {
        let event = || context.new_event(Some(CUevent_flags::CU_EVENT_DEFAULT));
        Ok(Self { begun: event()?, tokens: event()?, groups: event()? })
    }

    pub fn begun(&self, stream: &CudaStream) -> Result<(), CudaError> {
        mark(&self.begun, stream)
    }

    pub fn tokens(&self, stream: &CudaStream) -> Result<(), CudaError> {
        mark(&self.tokens, stream)
    }

    pub fn groups(&self, stream: &CudaStream) -> Result<(), CudaError> {
        mark(&self.groups, stream)
    }

    /// From the beginning to tokens, and to groups.
    pub fn times(&self) -> Result<[Duration; 2], CudaError> {
        let to = |event| -> Result<_, CudaError> {
            Ok(Duration::try_from_secs_f32(1e-3 * self.begun.elapsed_ms(event)?).unwrap_or_default())
        };
        Ok([to(&self.tokens)?, to(&self.groups)?])
    }
}

/// Records `event`, in a graph as a step of its own: without the flag it would only order what is recorded.
fn mark(event: &CudaEvent, stream: &CudaStream) -> Result<(), CudaError> {
    let flags = match stream.capture_status()? {
        CUstreamCaptureStatus::CU_STREAM_CAPTURE_STATUS_NONE => CUevent_record_flags::CU_EVENT_RECORD_DEFAULT,
        _ => CUevent_record_flags::CU_EVENT_RECORD_EXTERNAL,
    };
    // SAFETY: both are alive and of one context.
    Ok(unsafe { sys::cuEventRecordWithFlags(event.cu_event(), stream.cu_stream(), flags as u32) }.result()?)
}
