//! The CPU back end: nothing to install, every core used.

pub mod anomaly;
pub mod grouping;
pub mod interpolate;
pub mod linalg;
pub mod mapping;
pub mod point_mae;
pub mod transformer;
pub mod vit;

use crate::backend::{AnomalyMaps, Backend, XyzGroups};
use crate::model::{Architecture, Weights};

/// The method with its weights folded for this machine.
pub struct CpuBackend {
    vit: vit::Vit,
    point_mae: point_mae::PointMae,
    rgb_to_xyz: mapping::Mapping,
    xyz_to_rgb: mapping::Mapping,
}

impl CpuBackend {
    /// Folds `weights`, which hold every tensor of [`Architecture::tensors`].
    pub fn new(architecture: &Architecture, weights: &Weights) -> Self {
        Self {
            vit: vit::Vit::new(&architecture.rgb, weights),
            point_mae: point_mae::PointMae::new(&architecture.xyz, weights),
            rgb_to_xyz: mapping::Mapping::new("map_rgb_to_xyz", architecture.hidden, weights),
            xyz_to_rgb: mapping::Mapping::new("map_xyz_to_rgb", architecture.hidden, weights),
        }
    }
}

impl Backend for CpuBackend {
    fn rgb_tokens(&mut self, rgb: &[f32], tokens: &mut Vec<f32>) {
        self.vit.run(rgb, tokens);
    }

    fn xyz_groups(&mut self, cloud: &[[f32; 3]], groups: &mut XyzGroups) {
        let points: Vec<[f32; 3]> = cloud.iter().copied().filter(|p| *p != [0.0; 3]).collect();
        self.point_mae.run(&points, groups);
    }

    fn anomaly_map(&mut self, tokens: &[f32], cloud: &[[f32; 3]], groups: &XyzGroups, maps: &mut AnomalyMaps) {
        let rows_xyz = interpolate::xyz_rows(cloud, &groups.centres);
        let pixels: Vec<usize> = (0..rows_xyz.len()).filter(|&p| !rows_xyz.row(p).is_empty()).collect();
        let rows_rgb = interpolate::rgb_rows();
        let rgb = mapping::Side { features: tokens, rows: &rows_rgb };
        let xyz = mapping::Side { features: &groups.features, rows: &rows_xyz };
        let psi_xyz = self.rgb_to_xyz.discrepancy(&rgb, &xyz, &pixels);
        let psi_rgb = self.xyz_to_rgb.discrepancy(&xyz, &rgb, &pixels);
        anomaly::scatter(&pixels, &psi_rgb, &psi_xyz, maps);
    }
}
