//! The GenICam source on Aravis: against Aravis' own fake camera, and against a camera of the tests' own that sends what the
//! fake one cannot. Both are processes of their own on this machine. `ci/genicam/run.sh` runs this.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by a panic")]

#[path = "../support/allocations.rs"]
mod allocations;
mod fake;
mod frames;
mod gige;
mod losses;
mod opinion;
mod refusals;
mod station;
#[path = "../support/mod.rs"]
mod support;
mod throughput;
mod triggers;

use std::time::{Duration, Instant};

use crosscheck::backend::Machine;
use crosscheck::camera::genicam::composition::Composition;
use crosscheck::camera::genicam::features::Value;
use crosscheck::camera::genicam::{Device, Genicam, Transport};
use crosscheck::camera::{CameraError, CapturedFrame, FrameSource};

/// No test waits longer for a frame, on whatever machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A camera that is used as a configuration would.
fn camera(name: &str) -> Genicam {
    Genicam {
        device: Device { section: "camera.genicam.features", ..Device::named(name) },
        depth_device: None,
        composition: Composition {
            camera: None,
            window_ns: 2_000_000,
            confidence_min: 1,
            zero_plane_m: None,
            lines: None,
            machine: Machine::Cpu,
        },
        transport: Transport {
            packet_size: None,
            resend: true,
            packet_timeout_us: 20_000,
            frame_retention_us: 100_000,
            heartbeat_ms: None,
        },
        silent_ns_max: 2_000_000_000,
    }
}

/// The same with features.
fn with(mut camera: Genicam, features: &[(&str, Value)]) -> Genicam {
    camera.device.features.extend(features.iter().map(|(name, value)| (name.to_string(), value.clone())));
    camera
}

/// The next frame, which comes.
fn next(source: &mut dyn FrameSource) -> Result<CapturedFrame, CameraError> {
    let (mut captured, begun) = (CapturedFrame::empty(), Instant::now());
    while !source.next(&mut captured, Duration::from_millis(50))? {
        assert!(begun.elapsed() < PATIENCE, "no frame came");
    }
    Ok(captured)
}
