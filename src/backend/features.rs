//! The features that the networks compute from a frame.

use crate::frame::is_point;

/// The group features of one frame, and the geometry by which they are interpolated to pixels.
#[derive(Clone, Debug, Default)]
pub struct XyzGroups {
    /// `[G, C_XYZ]`.
    pub features: Vec<f32>,
    /// Group centres, `[G, 3]`, metres.
    pub centres: Vec<[f32; 3]>,
    /// Index of each centre among the valid points in row-major order, `[G]`.
    pub centre_index: Vec<usize>,
}

impl XyzGroups {
    /// Collects the valid points of `cloud`, `[P]`, in `points`, and returns whether there are any. If there are none,
    /// the groups are cleared.
    pub fn begin(&mut self, cloud: &[[f32; 3]], points: &mut Vec<[f32; 3]>) -> bool {
        points.clear();
        points.extend(cloud.iter().copied().filter(is_point));
        if points.is_empty() {
            self.features.clear();
            self.centres.clear();
            self.centre_index.clear();
        }
        !points.is_empty()
    }
}

/// The features of one frame, which the anomaly map is computed from.
#[derive(Clone, Debug, Default)]
pub struct Features {
    /// `[T, C_RGB]`.
    pub tokens: Vec<f32>,
    pub groups: XyzGroups,
}
