//! The maps that a back end computes from a frame.

use crate::shapes::P;

/// The per-pixel results of one frame, each `[P]`.
#[derive(Clone, Debug, Default)]
pub struct AnomalyMaps {
    /// Distance of the predicted and observed colour feature, zero where there is no shape feature.
    pub psi_rgb: Vec<f32>,
    /// Distance of the predicted and observed shape feature.
    pub psi_xyz: Vec<f32>,
    /// The product, smoothed (section 3.3).
    pub anomaly_map: Vec<f32>,
    /// Pixels that have a shape feature.
    pub valid: Vec<bool>,
}

impl AnomalyMaps {
    /// Makes them the maps of a frame without a shape feature anywhere.
    pub fn silence(&mut self) {
        for map in [&mut self.psi_rgb, &mut self.psi_xyz, &mut self.anomaly_map] {
            map.clear();
            map.resize(P, 0.0);
        }
        self.valid.clear();
        self.valid.resize(P, false);
    }

    /// Silences the anomaly map where `counts`, `[P]`, says that defects do not count. The distances stay.
    pub fn keep(&mut self, counts: &[bool]) {
        for ((value, valid), counts) in self.anomaly_map.iter_mut().zip(&mut self.valid).zip(counts) {
            if !counts {
                (*value, *valid) = (0.0, false);
            }
        }
    }
}
