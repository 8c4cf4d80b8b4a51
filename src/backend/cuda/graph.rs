//! Graphs of work that is the same for every frame. The work is captured once as a CUDA graph; launching the graph is a
//! single call of the driver instead of dozens, each of which costs the host a few microseconds.

use cudarc::driver::sys::{CUgraphInstantiate_flags, CUresult, CUstreamCaptureMode};
use cudarc::driver::{CudaGraph, DriverError};

use super::device::Device;
use super::error::CudaError;

/// A piece of a frame's work: how it is run the next time.
#[derive(Default)]
pub enum FrameGraph {
    /// The work was never run. Its first run is without a graph, as the driver then loads the kernels, and networks
    /// prepare themselves.
    #[default]
    New,
    /// The work was run once. It is captured the next time.
    Ran,
    Captured(Graph),
    /// The driver did not capture the work. It is launched step by step.
    Refused,
}

/// A graph that any thread may launch, one at a time.
pub struct Graph(CudaGraph);

// SAFETY: the driver lets any thread use a graph, one at a time, which `&mut` ensures. The stream that it keeps is Send.
unsafe impl Send for Graph {}

impl FrameGraph {
    /// Queues `work` in the streams: step by step the first time, as a graph from the second time on, when it is
    /// captured. `work` must begin and end in the shape stream, wait for nothing, and do the same in the same memory
    /// each time.
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

    /// Captures `work` without running it. It, or work that needs the same kernels, must have been run once before.
    pub fn capture(&mut self, device: &Device, mut work: impl FnMut() -> Result<(), CudaError>) {
        *self = match capture(device, &mut work) {
            Ok(graph) => Self::Captured(Graph(graph)),
            Err(error) => {
                log::warn!("a frame's work cannot be captured as a CUDA graph: {error}; it is launched step by step");
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
    // A kernel in a graph has the priority of the stream that it was captured from, which counts with this flag only:
    // without it, all of a graph has the priority of the stream that the graph is launched into. Copies have none.
    let flags = CUgraphInstantiate_flags::CUDA_GRAPH_INSTANTIATE_FLAG_USE_NODE_PRIORITY;
    // The capture is ended even after an error, so that the streams run work again.
    let graph = shape.end_capture(flags);
    worked?;
    let nothing = DriverError(CUresult::CUDA_ERROR_STREAM_CAPTURE_INVALIDATED);
    let graph = graph?.ok_or(nothing)?;
    // Else the first launch uploads it.
    graph.upload()?;
    Ok(graph)
}
