//! Industrial cameras that speak GenICam, over GigE Vision or USB3 Vision, through Aravis: colour and depth of one device, in
//! one buffer or in several, or of two devices; points as the camera computes them, or distances and a lens.
//!
//! Only what talks to the library needs the feature `genicam`.

pub mod bayer;
pub mod colour;
pub mod composition;
pub mod coordinates;
pub mod counting;
#[cfg(feature = "genicam")]
mod device;
pub mod discovery;
pub mod features;
pub mod lens;
#[cfg(feature = "genicam")]
mod library;
pub mod lines;
#[cfg(feature = "genicam")]
mod nodes;
#[cfg(feature = "genicam")]
mod pair;
pub mod pixel_format;
pub mod scan3d;
mod settings;
#[cfg(feature = "genicam")]
mod source;

use super::{CameraError, FrameSource};
use crate::calibration::camera_file::CameraFile;

pub use settings::{Device, Genicam, Transport};

/// Opens the camera and starts it.
#[cfg(feature = "genicam")]
pub fn open(camera: &Genicam) -> Result<Box<dyn FrameSource>, CameraError> {
    match (&camera.depth_device, &camera.composition.camera) {
        (Some(depth), Some(lenses)) => Ok(Box::new(pair::open(camera, depth, lenses)?)),
        (Some(_), None) => Err(CameraError::settings("two devices need a camera file")),
        (None, _) => Ok(Box::new(source::Source::open(camera)?)),
    }
}

#[cfg(not(feature = "genicam"))]
pub fn open(_: &Genicam) -> Result<Box<dyn FrameSource>, CameraError> {
    Err(not_built())
}

/// The devices that answer; none in a build without them.
#[cfg(feature = "genicam")]
pub fn devices() -> Option<Vec<discovery::Found>> {
    Some(library::devices())
}

#[cfg(not(feature = "genicam"))]
pub fn devices() -> Option<Vec<discovery::Found>> {
    None
}

/// The camera file of a device, by what it says of itself.
#[cfg(feature = "genicam")]
pub fn camera_file(name: &str) -> Result<CameraFile, CameraError> {
    use features::Features;

    let device = device::open(&Device::named(name))?;
    let scan3d = device.scan3d(false)?;
    let features = device.features()?;
    let side = |feature: &str| features.number(feature).map(|side| side as usize);
    let size = side("Width").and_then(|width| Ok((width, side("Height")?)));
    let file = size.and_then(|size| lens::camera_file(&scan3d, size, scan3d.steps_m()));
    file.map_err(|error| CameraError::settings(format!("{}: {error}", device.name())))
}

#[cfg(not(feature = "genicam"))]
pub fn camera_file(_: &str) -> Result<CameraFile, CameraError> {
    Err(not_built())
}

/// The state of a device's PTP, in the words of the standard; none where it has none.
#[cfg(feature = "genicam")]
pub fn clock(name: &str) -> Result<Option<String>, CameraError> {
    Ok(device::open(&Device::named(name))?.clock())
}

#[cfg(not(feature = "genicam"))]
pub fn clock(_: &str) -> Result<Option<String>, CameraError> {
    Err(not_built())
}

#[cfg(not(feature = "genicam"))]
fn not_built() -> CameraError {
    CameraError::settings("this build has no GenICam cameras: build it with --features genicam")
}
