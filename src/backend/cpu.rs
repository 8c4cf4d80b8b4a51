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
use crate::frame::is_point;
use crate::model::{Architecture, Weights};

/// The method with its weights folded for this machine.
pub struct CpuBackend {
    vit: vit::Vit,
    point_mae: point_mae::PointMae,
    mappings: Option<Mappings>,
}

struct Mappings {
    rgb_to_xyz: mapping::Mapping,
    xyz_to_rgb: mapping::Mapping,
}

impl CpuBackend {
    /// Folds `weights`: every tensor of [`Architecture::tensors`], or all but the mappings'.
    pub fn new(architecture: &Architecture, mut weights: Weights) -> Self {
        let weights = &mut weights;
        Self {
            vit: vit::Vit::new(&architecture.rgb, weights),
            point_mae: point_mae::PointMae::new(&architecture.xyz, weights),
            mappings: weights.contains_key("map_rgb_to_xyz.input.weight").then(|| Mappings::new(architecture, weights)),
        }
    }
}

impl Mappings {
    fn new(architecture: &Architecture, weights: &mut Weights) -> Self {
        let mut mapping = |name, c_out| mapping::Mapping::new(name, architecture.hidden, c_out, weights);
        Self {
            rgb_to_xyz: mapping("map_rgb_to_xyz", architecture.c_xyz()),
            xyz_to_rgb: mapping("map_xyz_to_rgb", architecture.c_rgb()),
        }
    }
}

impl Backend for CpuBackend {
    fn rgb_tokens(&mut self, rgb: &[f32], tokens: &mut Vec<f32>) {
        self.vit.run(rgb, tokens);
    }

    fn xyz_groups(&mut self, cloud: &[[f32; 3]], groups: &mut XyzGroups) {
        let points: Vec<[f32; 3]> = cloud.iter().copied().filter(is_point).collect();
        if points.is_empty() {
            *groups = XyzGroups::default();
        } else {
            self.point_mae.run(&points, groups);
        }
    }

    fn anomaly_map(&mut self, tokens: &[f32], cloud: &[[f32; 3]], groups: &XyzGroups, maps: &mut AnomalyMaps) {
        let Some(mappings) = &self.mappings else { panic!("an anomaly map needs an engine with mappings") };
        let rows_xyz = interpolate::xyz_rows(cloud, &groups.centres);
        let pixels: Vec<usize> = (0..rows_xyz.len()).filter(|&p| !rows_xyz.row(p).is_empty()).collect();
        let rows_rgb = interpolate::rgb_rows();
        let rgb = mapping::Side { features: tokens, rows: &rows_rgb };
        let xyz = mapping::Side { features: &groups.features, rows: &rows_xyz };
        let psi_xyz = mappings.rgb_to_xyz.discrepancy(&rgb, &xyz, &pixels);
        let psi_rgb = mappings.xyz_to_rgb.discrepancy(&xyz, &rgb, &pixels);
        anomaly::scatter(&pixels, &psi_rgb, &psi_xyz, maps);
    }
}
