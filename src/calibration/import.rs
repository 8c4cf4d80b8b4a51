//! Calibrations as OpenCV, ROS and Kalibr write them, read as they are.
//!
//! Of OpenCV: what its calibration samples write, and any file of a `FileStorage` (YAML or JSON) with a camera matrix,
//! distortion coefficients and the image's size, however the names are spelt; of a stereo calibration `M1`, `D1`, `M2`,
//! `D2`, `R` and `T`, whose camera 1 is taken for depth unless it is said to be colour. Of ROS: a `camera_info` file,
//! or a `CameraInfo` message as `ros2 topic echo` prints it; the extrinsics from depth to colour in an `Extrinsics`
//! message of a RealSense node. Of Kalibr: a `camchain.yaml`, whose cameras are told apart by their topics or by name.

mod document;
mod extrinsics;
mod fields;
mod imagers;
mod kalibr;
mod model;
mod single;
mod swap;
mod types;

pub use extrinsics::read_extrinsics;
pub use imagers::{Claim, Imager};
pub use single::read_lens;
pub use swap::check_imagers;
pub use types::{ExtrinsicsRequest, ImportedExtrinsics, ImportedLens, LensRequest};
