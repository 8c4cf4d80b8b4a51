//! The whole method on the CPU.

use super::anomaly;
use super::kernel::Kernel;
use super::mapping::{Kernels, Mapping, MappingBuffers, Side};
use super::networks::CpuNetworks;
use super::pixels::Pixels;
use super::searches::Interpolator;
use super::team::all_cores;
use super::workers::Scratch;
use crate::backend::error::BackendError;
use crate::backend::evaluation::Evaluation;
use crate::backend::features::XyzGroups;
use crate::backend::maps::AnomalyMaps;
use crate::backend::stages::{Backend, Describe};
use crate::model::{Architecture, Score, Tensors, Weights};
use crate::prepare::Stride;
use crate::shapes::P;
use crate::spatial::rows::{SparseRows, rgb_rows};

/// The method with a fitted engine, folded and packed for this processor.
pub struct CpuBackend {
    networks: CpuNetworks,
    mappings: Mappings,
}

struct Mappings {
    rgb_to_xyz: Mapping,
    xyz_to_rgb: Mapping,
    buffers: MappingBuffers,
    score: Score,
    stride: Stride,
    rows_rgb: SparseRows,
    rows_xyz: SparseRows,
    interpolator: Interpolator,
    pixels: Pixels,
    psi: Vec<f32>,
    smoothing: Vec<f32>,
}

impl CpuBackend {
    /// Folds the `weights` of a fitted engine. Every pixel is evaluated, in f32.
    pub fn new(architecture: &Architecture, weights: Weights) -> Self {
        Self::with_evaluation(architecture, weights, Evaluation::default())
    }

    /// A thread for each core computes.
    pub fn with_evaluation(architecture: &Architecture, weights: Weights, evaluation: Evaluation) -> Self {
        Self::with_threads(architecture, weights, evaluation, all_cores())
    }

    /// The same with so many threads, the calling one among them.
    pub fn with_threads(architecture: &Architecture, weights: Weights, evaluation: Evaluation, threads: usize) -> Self {
        let (mut networks, mut mappings) = weights.into_networks_and_mappings();
        let networks = CpuNetworks::with_threads(architecture, &mut networks, evaluation.arithmetic, threads);
        Self { networks, mappings: Mappings::new(evaluation, architecture, &mut mappings) }
    }
}

impl Mappings {
    fn new(evaluation: Evaluation, architecture: &Architecture, weights: &mut Tensors) -> Self {
        let Evaluation { arithmetic, stride } = evaluation;
        let kernels =
            Kernels { tokens: Kernel::best(arithmetic.of_networks()), hidden_units: Kernel::best(arithmetic) };
        let (m, score) = (architecture.hidden, architecture.score);
        let mut mapping = |name, c_out| Mapping::new(kernels, name, [m, c_out], score, weights);
        Self {
            rgb_to_xyz: mapping("map_rgb_to_xyz", architecture.c_xyz()),
            xyz_to_rgb: mapping("map_xyz_to_rgb", architecture.c_rgb()),
            buffers: MappingBuffers::default(),
            score,
            stride,
            rows_rgb: rgb_rows(),
            rows_xyz: SparseRows::default(),
            interpolator: Interpolator::default(),
            pixels: Pixels::with_capacity(),
            psi: Vec::with_capacity(P),
            smoothing: Vec::new(),
        }
    }
}

impl Describe for CpuBackend {
    fn rgb_tokens(&mut self, rgb: &[f32], tokens: &mut Vec<f32>) -> Result<(), BackendError> {
        self.networks.rgb_tokens(rgb, tokens)
    }

    fn xyz_groups(&mut self, cloud: &[[f32; 3]], groups: &mut XyzGroups) -> Result<(), BackendError> {
        self.networks.xyz_groups(cloud, groups)
    }
}

impl Backend for CpuBackend {
    fn anomaly_map(
        &mut self,
        tokens: &[f32],
        cloud: &[[f32; 3]],
        groups: &XyzGroups,
        maps: &mut AnomalyMaps,
    ) -> Result<(), BackendError> {
        let workers = &mut self.networks.workers;
        let Mappings {
            rgb_to_xyz,
            xyz_to_rgb,
            buffers,
            score,
            stride,
            rows_rgb,
            rows_xyz,
            interpolator,
            pixels,
            psi,
            smoothing,
        } = &mut self.mappings;
        interpolator.xyz_rows(workers, cloud, &groups.centres, rows_xyz);
        pixels.choose(rows_xyz, *stride, maps);
        psi.resize(pixels.chosen.len(), 0.0);
        let rgb = Side { features: tokens, rows: rows_rgb };
        let xyz = Side { features: &groups.features, rows: rows_xyz };
        rgb_to_xyz.discrepancy(workers, buffers, &rgb, &xyz, &pixels.chosen, psi);
        pixels.spread(psi, &maps.valid, &mut maps.psi_xyz);
        xyz_to_rgb.discrepancy(workers, buffers, &xyz, &rgb, &pixels.chosen, psi);
        pixels.spread(psi, &maps.valid, &mut maps.psi_rgb);
        anomaly::combine(*score, maps, smoothing);
        workers.level(Scratch::grow_like);
        Ok(())
    }
}
