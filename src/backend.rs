//! The boundary between the method and the machine: three stages, the tokens between them.

pub mod cpu;

use crate::shapes::P;

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

/// A machine that runs the method. Sizes are the caller's to check.
pub trait Backend {
    /// `rgb`: normalised image, `[3, H, W]`. Writes `[T, C_RGB]`.
    fn rgb_tokens(&mut self, rgb: &[f32], tokens: &mut Vec<f32>);
    /// `cloud`: `[P]` points in metres, the origin where there is none.
    fn xyz_groups(&mut self, cloud: &[[f32; 3]], groups: &mut XyzGroups);
    /// Both mappings, their discrepancies, and the smoothed product.
    fn anomaly_map(&mut self, tokens: &[f32], cloud: &[[f32; 3]], groups: &XyzGroups, maps: &mut AnomalyMaps);
}
