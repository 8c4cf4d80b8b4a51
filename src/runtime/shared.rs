//! What the threads of a station share beside their queues.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

/// Flags and moments that the threads of a station set for each other.
#[derive(Default)]
pub struct Shared {
    pub stop_capture: AtomicBool,
    pub stop_inspection: AtomicBool,
    pub stop_recorder: AtomicBool,
    /// Set once a frame could be inspected.
    pub ready: AtomicBool,
    /// Whether the recorder cannot write.
    pub failing: AtomicBool,
    /// When the camera last gave a frame.
    pub heard_ns: AtomicU64,
    /// Width and height of the camera's frames, 32 bits each; 0 before the first.
    pub frame: AtomicU64,
}

impl Shared {
    fn stop(&self) {
        for stop in [&self.stop_capture, &self.stop_inspection, &self.stop_recorder] {
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
