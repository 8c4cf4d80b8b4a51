//! The features that the networks compute from a frame.

/// Group features of one frame and the geometry that carries them to pixels.
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
    /// Makes them those of a frame without a point.
    pub fn clear(&mut self) {
        self.features.clear();
        self.centres.clear();
        self.centre_index.clear();
    }
}

/// The features of one frame, which the anomaly map is computed from.
#[derive(Clone, Debug, Default)]
pub struct Features {
    /// `[T, C_RGB]`.
    pub tokens: Vec<f32>,
    pub groups: XyzGroups,
}
