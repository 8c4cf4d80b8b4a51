//! Frames of one device that gives colour and depth.

use std::time::Duration;

use super::composition::Composer;
use super::device::{self, Came, Streaming};
use super::settings::Genicam;
use crate::camera::{CameraError, CapturedFrame, FrameSource, StreamStatistics};
use crate::clock::monotonic_ns;

/// A camera at work.
pub struct Source {
    streaming: Streaming,
    composer: Composer,
    /// The time of the last buffer, which is that of a frame that it completes.
    taken_ns: u64,
    /// The edge at the trigger for which it was taken.
    edge: Option<u64>,
    /// The number of the next frame.
    sequence: u64,
    /// Since the last frame: buffers that came, and those that were lost.
    came: u64,
    lost: u64,
}

impl Source {
    pub fn open(camera: &Genicam) -> Result<Self, CameraError> {
        let device = device::open(&camera.device)?;
        let composition = &camera.composition;
        let scan3d = device.scan3d(composition.zero_plane_m.is_some())?;
        let composer = Composer::new(composition, scan3d).map_err(CameraError::settings)?;
        let streaming = device.start(&camera.transport)?;
        Ok(Self { streaming, composer, taken_ns: 0, edge: None, sequence: 0, came: 0, lost: 0 })
    }

    /// Takes a buffer that comes within `wait`.
    fn fill(&mut self, wait: Duration) -> Result<(), CameraError> {
        let Self { streaming, composer, lost, .. } = self;
        let mut first = true;
        let came = streaming.next(wait, &mut |arrived, raw| {
            if std::mem::take(&mut first) {
                *lost += composer.lost(arrived.lost);
            }
            composer.take(raw, arrived.stamp_ns)
        })?;
        let Some(Came { arrived, taken }) = came else { return Ok(()) };
        (self.taken_ns, self.edge) = (arrived.taken.at_ns, arrived.edge);
        self.came += 1;
        // What one image has, the next one has as well: it is how the camera is set.
        taken
            .and_then(|()| composer.join())
            .map_err(|error| CameraError::settings(format!("{}: {error}", streaming.name())))
    }
}

impl FrameSource for Source {
    fn next(&mut self, into: &mut CapturedFrame, wait: Duration) -> Result<bool, CameraError> {
        let end_ns = monotonic_ns() + wait.as_nanos() as u64;
        while !self.composer.is_ready() {
            let left_ns = end_ns.saturating_sub(monotonic_ns());
            self.fill(Duration::from_nanos(left_ns))?;
            if left_ns == 0 && !self.composer.is_ready() {
                return Ok(false);
            }
        }
        self.composer.finish(&mut into.frame)?;
        // A frame may be of several buffers, each of which has a number; but all of them were taken for one edge.
        self.sequence = self.edge.unwrap_or_else(|| self.sequence.saturating_add(self.lost.div_ceil(self.came.max(1))));
        (into.sequence, into.captured_ns) = (self.sequence, self.taken_ns);
        (self.sequence, self.came, self.lost) = (self.sequence.saturating_add(1), 0, 0);
        Ok(true)
    }

    fn stream_statistics(&self) -> StreamStatistics {
        self.streaming.stream_statistics()
    }
}
