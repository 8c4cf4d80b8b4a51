//! How the numbers of files are meant, which the files do not say.

use crate::calibration::Camera;

/// How the points of files are meant.
#[derive(Clone, Debug, PartialEq)]
pub struct Reading {
    /// For clouds that are depth images.
    pub camera: Option<Camera>,
    /// What a number of other files is in metres: a coordinate, or a depth that is a floating-point number.
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
