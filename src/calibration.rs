//! The calibration of a station: its camera, from lenses to points, and its belt.

pub mod assembly;
mod camera;
pub mod camera_file;
mod depth_unit;
pub mod distance;
pub mod distortion;
mod error;
pub mod import;
mod intrinsics;
mod lens;
pub mod registration;
pub mod sampling;
pub mod station;
pub mod survey;
mod toml_file;

pub use camera::Camera;
pub use error::CalibrationError;
pub use intrinsics::Intrinsics;
pub use lens::Lens;
pub use station::{StationCalibration, read_plane};
