//! What the threads of a station share beside their queues.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::Relaxed};
use std::thread::Thread;

/// Flags and moments that the threads of a station set for each other.
#[derive(Default)]
pub struct Shared {
    pub stop_capture: AtomicBool,
    /// Set once no more jobs come; the next one once nothing more is prepared.
    pub stop_preparation: AtomicBool,
    pub stop_inspection: AtomicBool,
    pub stop_recorder: AtomicBool,
    /// The thread that prepares frames ahead of the inspection, if there is one.
    pub preparation: OnceLock<Thread>,
    /// Set once a frame could be inspected: parts are judged from then on.
    pub ready: AtomicBool,
    /// Whether the recorder cannot write.
    pub failing: AtomicBool,
    /// When the camera last gave a frame, or was last found to be waited for.
    pub heard_ns: AtomicU64,
    /// The camera is away and is about to be opened again.
    pub camera_awaited: AtomicBool,
    /// Flushes that the inspection thread and the capture thread have done their part of.
    pub flushes_inspected: AtomicU32,
    pub flushes_captured: AtomicU32,
    /// Width and height of the camera's frames, 32 bits each; 0 before the first.
    pub frame: AtomicU64,
}

impl Shared {
    fn stop(&self) {
        for stop in [&self.stop_capture, &self.stop_preparation, &self.stop_inspection, &self.stop_recorder] {
            stop.store(true, Relaxed);
        }
    }
}

/// Stops the threads when the thread that supervises them ends, also by a panic.
pub struct StopOnDrop<'a>(pub &'a Shared);

impl Drop for StopOnDrop<'_> {
    fn drop(&mut self) {
        self.0.stop();
    }
}
