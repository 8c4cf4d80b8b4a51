//! What the numbers of files mean, which the files themselves do not contain.

use crate::calibration::Camera;

/// What the numbers of a cloud or a depth image mean.
#[derive(Clone, Debug, PartialEq)]
pub struct Reading {
    /// The camera that makes points of depth images.
    pub camera: Option<Camera>,
    /// Metres per unit of a coordinate, or of a depth that is a floating-point number.
    pub cloud_unit_m: f32,
    /// A z or a depth that stands for no point, as it is written in the file; besides what is not finite or not above 0.
    pub no_point: Option<f32>,
}

impl Default for Reading {
    fn default() -> Self {
        Self { camera: None, cloud_unit_m: 1.0, no_point: None }
    }
}

impl From<Camera> for Reading {
    fn from(camera: Camera) -> Self {
        Self { camera: Some(camera), ..Self::default() }
    }
}
