//! RealSense cameras and their recordings (`.bag`), through librealsense: depth and colour of one moment, matched by
//! the library. Lenses, extrinsics and the depth unit come from the device.
//!
//! Only what talks to the library needs the feature `realsense`.

#[cfg(feature = "realsense")]
mod device;
#[cfg(feature = "realsense")]
mod playback;
mod settings;
#[cfg(feature = "realsense")]
mod source;

use super::{CameraError, FrameSource};

pub use settings::{Controls, Filters, Origin, Preset, Realsense};

/// Opens the camera and starts it.
#[cfg(feature = "realsense")]
pub fn open(camera: &Realsense) -> Result<Box<dyn FrameSource>, CameraError> {
    Ok(Box::new(source::Source::open(camera)?))
}

#[cfg(not(feature = "realsense"))]
pub fn open(_: &Realsense) -> Result<Box<dyn FrameSource>, CameraError> {
    Err(not_built())
}

#[cfg(not(feature = "realsense"))]
fn not_built() -> CameraError {
    CameraError::settings("this build has no RealSense cameras: build it with --features realsense")
}

/// Resets the device with this serial number, or the one that is there: it leaves the bus and comes back seconds later.
#[cfg(feature = "realsense")]
pub fn reset(serial: Option<&str>) -> Result<(), CameraError> {
    device::reset(serial)
}

#[cfg(not(feature = "realsense"))]
pub fn reset(_: Option<&str>) -> Result<(), CameraError> {
    Err(not_built())
}
