//! Brings a camera of your own: what implements `FrameSource` is opened, watched and opened again like any other.

mod common;

use std::time::Duration;

use anyhow::Result;
use crosscheck::Inspector;
use crosscheck::camera::{
    CameraError, CapturedFrame, Delivery, FrameSource, Opener, Patience, Supervisor, monotonic_ns,
};
use crosscheck::scene::{Defect, Part, Scene};

/// The camera. `scene` stands for the handle that a maker's library gives you.
struct MyCamera {
    scene: Scene,
    taken: u64,
}

impl FrameSource for MyCamera {
    /// Wait for a frame here, no longer than `wait`, and return `false` if none came.
    fn next(&mut self, into: &mut CapturedFrame, _wait: Duration) -> Result<bool, CameraError> {
        // Every third part has a defect. What comes out is what a depth camera gives: an image and its points in metres.
        let number = 100 + self.taken;
        let is_good = self.taken % 3 != 2;
        let sample =
            if is_good { self.scene.nominal(number) } else { self.scene.defective(number, Defect::ForeignBody) };
        let (image, points) = (sample.frame.rgb(), sample.frame.cloud().points());
        let size = (sample.frame.width(), sample.frame.height());
        // `into` is reused: filling it allocates nothing from the second frame on.
        let filled = into.frame.fill((image, size), (points.iter().copied(), size));
        filled.map_err(|error| CameraError::Lost { reason: error.to_string() })?;
        (into.sequence, into.captured_ns) = (self.taken, monotonic_ns());
        self.taken += 1;
        Ok(true)
    }
}

fn main() -> Result<()> {
    let mut inspector = Inspector::new(common::quick_engine(&Scene::new(Part::Puck, 1))?)?;
    // The supervisor calls this again, at most five times, when the camera fails.
    let opener = Opener::new(|| Ok(Box::new(MyCamera { scene: Scene::new(Part::Puck, 1), taken: 0 })));
    let patience =
        Patience { frame_timeout_ms: 1000, reopens: 5, reopen_delay_ms: 500, reset_after: 0, reset_wait_ms: 0 };
    let mut camera = Supervisor::start(opener, patience)?;
    let mut captured = CapturedFrame::empty();
    while captured.sequence < 5 {
        match camera.next(&mut captured, Duration::from_millis(100))? {
            Delivery::Frame => {
                let outcome = inspector.inspect(&captured.frame)?.outcome;
                println!("frame {}: {}", captured.sequence, outcome.station_verdict());
            }
            Delivery::Nothing => {}
            Delivery::Failed(error) | Delivery::Reset(error) => println!("the camera failed: {error}"),
        }
    }
    Ok(())
}
