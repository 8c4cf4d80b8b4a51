//! What a frame shows, as far as its work depends on it.

use crate::prepare::Stride;
use crate::shapes::P;

/// How many pixels have a shape feature for each that has a point: means reach beyond the part's edge.
const FEATURES_PER_POINT: f64 = 1.1;

/// What a frame shows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scene {
    /// Width and height of the camera's frame, which has depth steps and no crop.
    pub camera: (usize, usize),
    /// The share of the network frame's pixels that have a point.
    pub valid_share: f64,
    pub stride: Stride,
}

impl Scene {
    /// The valid points, N.
    pub fn points(&self) -> usize {
        (self.valid_share * P as f64) as usize
    }

    /// The pixels that are evaluated.
    pub fn evaluated(&self) -> usize {
        let with_feature = (FEATURES_PER_POINT * self.valid_share).min(1.0) * P as f64;
        (with_feature / self.stride.pixels().pow(2) as f64) as usize
    }
}
