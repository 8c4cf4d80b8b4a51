//! Checks of the GenICam cameras that a configuration names.

use super::finding::Finding;
use crate::camera::genicam::{self, discovery::Found};
use crate::config::camera::{Camera, CameraSource};

/// Findings beside that of the camera's frames; none for another source.
pub fn examine(camera: &Camera) -> Vec<Finding> {
    let Some(options) = camera.genicam.as_ref().filter(|_| camera.source == CameraSource::Genicam) else {
        return Vec::new();
    };
    let Some(devices) = genicam::devices() else { return Vec::new() };
    let names = [&options.device, &options.depth_device];
    let mut findings = vec![answering(&devices)];
    findings.extend(names.into_iter().flatten().map(|name| clock(name)));
    findings
}

fn answering(devices: &[Found]) -> Finding {
    let name = "camera.devices";
    match devices {
        [] => {
            Finding::note(name, "no GenICam camera answers to all; one in another network answers to its address alone")
        }
        devices => Finding::ok(name, devices.iter().map(Found::to_string).collect::<Vec<_>>().join(", ")),
    }
}

/// Whether a camera's clock is the network's.
fn clock(device: &str) -> Finding {
    let name = "camera.clock";
    match genicam::clock(device) {
        Ok(Some(status)) if status == "Slave" => {
            Finding::ok(name, format!("{device} follows the clock of the network (PTP)"))
        }
        Ok(Some(status)) => Finding::note(
            name,
            format!(
                "{device} has PTP, which is {status}: its times are brought to this machine's clock by their arrivals, within milliseconds; linuxptp (ptp4l, phc2sys) makes this machine the clock of the cameras"
            ),
        ),
        Ok(None) => Finding::note(
            name,
            format!(
                "{device} has no PTP: its times are brought to this machine's clock by their arrivals, within milliseconds"
            ),
        ),
        Err(error) => Finding::note(name, format!("the clock of {device} cannot be read: {error}")),
    }
}
