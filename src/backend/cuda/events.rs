//! Events in the work of a frame on the device, between which its stages lie. A graph records them too.

use std::cell::Cell;
use std::sync::Arc;
use std::time::{Duration, Instant};

use cudarc::driver::sys::{self, CUevent_flags, CUevent_record_flags, CUstreamCaptureStatus};
use cudarc::driver::{CudaContext, CudaEvent, CudaStream};

use super::error::CudaError;
use crate::backend::gpu_frame::{GpuStage, GpuTimes};

/// A moment of a frame: each is recorded in one stream.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Mark {
    // Preparation.
    PointsCopied,
    PointsUploaded,
    ColoursCopied,
    ColoursUploaded,
    Removing,
    Found,
    Resizing,
    Resized,
    ColoursDownloaded,
    Windowing,
    Windowed,
    WindowDownloaded,
    // Networks, mappings and map.
    Copying,
    Begun,
    Tokens,
    Centres,
    Neighbours,
    Features,
    Locating,
    Located,
    Joined,
    Mapped,
    Smoothed,
    Downloaded,
}

const MARKS: usize = Mark::Downloaded as usize + 1;
/// The marks that every frame records; the others are recorded only for whoever measures stages.
const ALWAYS: [Mark; 3] = [Mark::Begun, Mark::Tokens, Mark::Features];

/// Name, stream, and the marks at both ends of each stage.
const STAGES: [(&str, &str, Mark, Mark); 17] = [
    ("upload of the frame's points", "shape", Mark::PointsCopied, Mark::PointsUploaded),
    ("upload of the frame's colours", "colour", Mark::ColoursCopied, Mark::ColoursUploaded),
    ("points, components and their table", "shape", Mark::Removing, Mark::Found),
    ("resizing", "colour", Mark::Resizing, Mark::Resized),
    ("download of the window's colours", "colour", Mark::Resized, Mark::ColoursDownloaded),
    ("points of the window", "shape", Mark::Windowing, Mark::Windowed),
    ("download of the window's points", "shape", Mark::Windowed, Mark::WindowDownloaded),
    ("copy of the input", "shape", Mark::Copying, Mark::Begun),
    ("colour network", "colour", Mark::Begun, Mark::Tokens),
    ("centres of the groups", "shape", Mark::Begun, Mark::Centres),
    ("points of the groups", "shape", Mark::Centres, Mark::Neighbours),
    ("shape network", "shape", Mark::Neighbours, Mark::Features),
    ("interpolation of the pixels", "pixels", Mark::Locating, Mark::Located),
    ("wait for the other streams", "shape", Mark::Features, Mark::Joined),
    ("mappings", "shape", Mark::Joined, Mark::Mapped),
    ("map", "shape", Mark::Mapped, Mark::Smoothed),
    ("download of the maps", "shape", Mark::Smoothed, Mark::Downloaded),
];

/// The events of a device's frames.
pub struct Events {
    /// One for each [`Mark`].
    events: Vec<CudaEvent>,
    /// A bit for each event that was recorded, directly or into a graph.
    recorded: Cell<u32>,
    /// Whether all marks are recorded.
    all: Cell<bool>,
    waited: Cell<Duration>,
}

impl Events {
    pub fn new(context: &Arc<CudaContext>) -> Result<Self, CudaError> {
        let event = |_| context.new_event(Some(CUevent_flags::CU_EVENT_DEFAULT));
        let events = (0..MARKS).map(event).collect::<Result<_, _>>()?;
        Ok(Self { events, recorded: Cell::default(), all: Cell::default(), waited: Cell::default() })
    }

    /// Records all marks from now on. Work that was captured before must be captured again.
    pub fn record_all(&self) {
        self.all.set(true);
    }

    /// Forgets the marks that were recorded before.
    pub fn begin(&self) {
        self.recorded.set(0);
        self.waited.set(Duration::ZERO);
    }

    /// Records when the work that is in `stream` now is done.
    pub fn record(&self, mark: Mark, stream: &CudaStream) -> Result<(), CudaError> {
        if !self.all.get() && !ALWAYS.contains(&mark) {
            return Ok(());
        }
        self.recorded.set(self.recorded.get() | 1 << mark as u32);
        record(&self.events[mark as usize], stream)
    }

    /// Counts the time of `work`, which waits for the device, as time that the CPU waited.
    pub fn waiting<T>(&self, work: impl FnOnce() -> T) -> T {
        let start = Instant::now();
        let done = work();
        self.waited.set(self.waited.get() + start.elapsed());
        done
    }

    /// The time from one mark to another; none if either was not recorded.
    pub fn between(&self, from: Mark, to: Mark) -> Result<Option<Duration>, CudaError> {
        let is_recorded = |mark: Mark| self.recorded.get() >> mark as u32 & 1 == 1;
        if !is_recorded(from) || !is_recorded(to) {
            return Ok(None);
        }
        let ms = self.events[from as usize].elapsed_ms(&self.events[to as usize])?;
        Ok(Some(Duration::try_from_secs_f32(1e-3 * ms).unwrap_or_default()))
    }

    /// The times of the last frame.
    pub fn times(&self) -> Result<GpuTimes, CudaError> {
        let mut stages = Vec::with_capacity(STAGES.len());
        for (name, stream, from, to) in STAGES {
            stages.extend(self.between(from, to)?.map(|time| GpuStage { name, stream, time }));
        }
        let frame = self.between(Mark::Copying, Mark::Downloaded)?;
        Ok(GpuTimes { stages, frame, waited: self.waited.get() })
    }
}

/// Records `event` in `stream`. During a capture the flag makes the record a step of the graph; without the flag, the
/// event would only order the captured work.
fn record(event: &CudaEvent, stream: &CudaStream) -> Result<(), CudaError> {
    let flags = match stream.capture_status()? {
        CUstreamCaptureStatus::CU_STREAM_CAPTURE_STATUS_NONE => CUevent_record_flags::CU_EVENT_RECORD_DEFAULT,
        _ => CUevent_record_flags::CU_EVENT_RECORD_EXTERNAL,
    };
    // SAFETY: event and stream are alive and belong to one context.
    Ok(unsafe { sys::cuEventRecordWithFlags(event.cu_event(), stream.cu_stream(), flags as u32) }.result()?)
}
