//! The maps that a back end computes from a frame.

use crate::shapes::P;

/// The per-pixel results of one frame, each `[P]`.
#[derive(Clone, Debug, Default)]
pub struct AnomalyMaps {
    /// The distance between the predicted and the observed colour feature, as the engine's [`crate::model::Score`] defines
    /// it; zero where there is no shape feature.
    pub psi_rgb: Vec<f32>,
    /// The same of the shape feature.
    pub psi_xyz: Vec<f32>,
    /// Product or sum of both distances, by the score, smoothed (section 3.3).
    pub anomaly_map: Vec<f32>,
    /// Whether a pixel has a shape feature.
    pub valid: Vec<bool>,
}

impl AnomalyMaps {
    /// Sets the maps to those of a frame in which no pixel has a shape feature.
    #[doc(hidden)]
    pub fn silence(&mut self) {
        for map in [&mut self.psi_rgb, &mut self.psi_xyz, &mut self.anomaly_map] {
            map.clear();
            map.resize(P, 0.0);
        }
        self.valid.clear();
        self.valid.resize(P, false);
    }

    /// Sets the anomaly map to zero, and pixels to invalid, where `counts`, `[P]`, is false because defects do not
    /// count there. The distances stay as they are.
    #[doc(hidden)]
    pub fn keep(&mut self, counts: &[bool]) {
        for ((value, valid), counts) in self.anomaly_map.iter_mut().zip(&mut self.valid).zip(counts) {
            if !counts {
                (*value, *valid) = (0.0, false);
            }
        }
    }
}
