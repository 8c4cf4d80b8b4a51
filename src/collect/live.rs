//! The parts that a station's camera sees, one frame each; nothing is judged and no output is driven.

use std::mem::swap;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::calibration::CalibrationError;
use crate::camera::supervisor::{Delivery, Supervisor};
use crate::camera::{CameraError, CapturedFrame};
use crate::config::Station;
use crate::config::trigger::TriggerSource;
use crate::frame::RgbdFrame;
use crate::prepare::plane::Plane;
use crate::runtime::camera::{opener, patience};
use crate::runtime::finder::Finder;

const WAIT: Duration = Duration::from_millis(100);

/// Calls `each` with one frame of every part, the one in which it is nearest to the middle; with every frame if the
/// part triggers the camera. Ends when `each` breaks, a recording ends, or `stop` is set. `belt` is the plane, if
/// measured.
pub fn of_station<E: From<CameraError> + From<CalibrationError>>(
    station: &Station,
    belt: Option<Plane>,
    stop: &AtomicBool,
    mut each: impl FnMut(&RgbdFrame) -> Result<ControlFlow<()>, E>,
) -> Result<(), E> {
    let mut camera = Supervisor::start(opener(&station.camera, station.engine.backend)?, patience(&station.camera))?;
    let mut finder = Finder::new(belt, &station.preparation()?);
    let every_frame = station.trigger.source == TriggerSource::Frame;
    let mut captured = CapturedFrame::empty();
    let mut middle = CapturedFrame::empty();
    while !stop.load(Ordering::Relaxed) {
        match camera.next(&mut captured, WAIT) {
            Ok(Delivery::Frame) => {}
            Ok(Delivery::Nothing) => continue,
            Ok(Delivery::Failed(error) | Delivery::Reset(error)) => {
                log::warn!("{error}");
                continue;
            }
            Err(CameraError::Ended { .. }) => {
                if finder.finish().is_some() {
                    // All frames have been seen, so a break has no further effect.
                    let _ = each(&middle.frame)?;
                }
                return Ok(());
            }
            Err(error) => return Err(error.into()),
        }
        let passed = !every_frame && finder.look(&captured.frame, captured.captured_ns).is_some();
        if passed && each(&middle.frame)?.is_break() || every_frame && each(&captured.frame)?.is_break() {
            return Ok(());
        }
        if finder.kept_ns() == Some(captured.captured_ns) {
            swap(&mut captured, &mut middle);
        }
    }
    Ok(())
}
