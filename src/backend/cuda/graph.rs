//! Work that is the same for every frame, captured once as a CUDA graph and launched as one: a single call of the driver
//! instead of dozens, each of which takes the host a few microseconds.

use std::sync::Arc;
use std::time::Duration;

use cudarc::driver::sys::{
    self, CUevent_flags, CUevent_record_flags, CUgraphInstantiate_flags, CUresult, CUstreamCaptureMode,
    CUstreamCaptureStatus,
};
use cudarc::driver::{CudaContext, CudaEvent, CudaGraph, CudaStream, DriverError};

use super::device::Device;
use super::error::CudaError;

/// A piece of a frame's work, and how it is run the next time.
#[derive(Default)]
pub enum FrameGraph {
    /// Never run. The first run is without a graph: the driver loads the kernels, and networks prepare themselves.
    #[default]
    New,
    /// Run once, to be captured the next time.
    Ran,
    Captured(Graph),
    /// The driver did not capture it: it is launched step by step.
    Refused,
}

/// A graph that any thread may launch, one at a time.
pub struct Graph(CudaGraph);

// SAFETY: the driver lets any thread use a graph, one at a time, which `&mut` ensures. The stream that it keeps is Send.
unsafe impl Send for Graph {}

impl FrameGraph {
    /// Puts `work` into the streams: the first time as it is, the second time captured, from then on as a graph. `work`
    /// begins and ends in the device's stream of shape, waits for nothing, and does the same in the same memory each time.
    pub fn run(&mut self, device: &Device, mut work: impl FnMut() -> Result<(), CudaError>) -> Result<(), CudaError> {
        // Kernels that are timed one by one are launched one by one.
        if device.kernels.are_timed() {
            return work();
        }
        if matches!(self, Self::Ran) {
            self.capture(device, &mut work);
        }
        match self {
            Self::Captured(graph) => Ok(graph.0.launch()?),
            Self::New => {
                work()?;
                *self = Self::Ran;
                Ok(())
            }
            Self::Ran | Self::Refused => work(),
        }
    }

    /// Captures `work`, or work that needs the same kernels, after it has run once; does not run it.
    pub fn capture(&mut self, device: &Device, mut work: impl FnMut() -> Result<(), CudaError>) {
        *self = match capture(device, &mut work) {
            Ok(graph) => Self::Captured(Graph(graph)),
            Err(error) => {
                log::warn!("a frame's work is not taken as a graph: {error}; it is launched step by step");
                Self::Refused
            }
        };
    }
}

fn capture(device: &Device, work: &mut impl FnMut() -> Result<(), CudaError>) -> Result<CudaGraph, CudaError> {
    let shape = &device.shape;
    // Other threads may go on using the device.
    shape.begin_capture(CUstreamCaptureMode::CU_STREAM_CAPTURE_MODE_THREAD_LOCAL)?;
    let worked = work();
    // Ended also after an error, so that the streams run work again.
    let graph = shape.end_capture(CUgraphInstantiate_flags(0));
    worked?;
    let nothing = DriverError(CUresult::CUDA_ERROR_STREAM_CAPTURE_INVALIDATED);
    Ok(graph?.ok_or(nothing)?)
}

/// Events of a frame on the device: its begin, and when its tokens and its groups were computed. A graph records them too.
pub struct Events {
    begun: CudaEvent,
    tokens: CudaEvent,
    groups: CudaEvent,
}

impl Events {
    pub fn new(context: &Arc<CudaContext>) -> Result<Self, CudaError> {
        let event = || context.new_event(Some(CUevent_flags::CU_EVENT_DEFAULT));
        Ok(Self { begun: event()?, tokens: event()?, groups: event()? })
    }

    pub fn begun(&self, stream: &CudaStream) -> Result<(), CudaError> {
        record(&self.begun, stream)
    }

    pub fn tokens(&self, stream: &CudaStream) -> Result<(), CudaError> {
        record(&self.tokens, stream)
    }

    pub fn groups(&self, stream: &CudaStream) -> Result<(), CudaError> {
        record(&self.groups, stream)
    }

    /// The time from the begin to the tokens, and to the groups.
    pub fn times(&self) -> Result<[Duration; 2], CudaError> {
        let to = |event| -> Result<_, CudaError> {
            Ok(Duration::try_from_secs_f32(1e-3 * self.begun.elapsed_ms(event)?).unwrap_or_default())
        };
        Ok([to(&self.tokens)?, to(&self.groups)?])
    }
}

/// Records `event`. While a graph is captured it becomes a step of the graph: without the flag it would only order the
/// captured work.
fn record(event: &CudaEvent, stream: &CudaStream) -> Result<(), CudaError> {
    let flags = match stream.capture_status()? {
        CUstreamCaptureStatus::CU_STREAM_CAPTURE_STATUS_NONE => CUevent_record_flags::CU_EVENT_RECORD_DEFAULT,
        _ => CUevent_record_flags::CU_EVENT_RECORD_EXTERNAL,
    };
    // SAFETY: both are alive and of one context.
    Ok(unsafe { sys::cuEventRecordWithFlags(event.cu_event(), stream.cu_stream(), flags as u32) }.result()?)
}
