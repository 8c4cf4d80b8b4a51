//! The calibration of a station: its camera, from lenses to points, and its belt.
//!
//! A [`Camera`] makes points of depth images, by a camera file that `crosscheck calibrate-camera` writes or a hand does.

#[doc(hidden)]
pub mod assembly;
mod camera;
#[doc(hidden)]
pub mod camera_file;
mod depth_unit;
#[doc(hidden)]
pub mod distance;
#[doc(hidden)]
pub mod distortion;
mod error;
#[doc(hidden)]
pub mod import;
mod intrinsics;
mod lens;
#[doc(hidden)]
pub mod registration;
#[doc(hidden)]
pub mod sampling;
#[doc(hidden)]
pub mod station;
#[doc(hidden)]
pub mod survey;
mod toml_file;

pub use camera::Camera;
pub use error::CalibrationError;
pub use intrinsics::Intrinsics;
#[doc(hidden)]
pub use lens::Lens;
#[doc(hidden)]
pub use station::{StationCalibration, read_plane};
