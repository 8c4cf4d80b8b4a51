//! The CPU back end: nothing to install, every core used, no allocation once a frame went through.

pub mod aligned;
pub mod anomaly;
mod attention;
mod cells;
pub mod elementwise;
pub mod group_encoder;
pub mod grouping;
pub mod interpolate;
pub mod kernel;
pub mod layer;
pub mod mapping;
pub mod operands;
pub mod packed;
mod pixels;
pub mod point_mae;
mod rounding;
pub mod team;
pub mod training;
pub mod transformer;
mod tree;
pub mod vit;

use crate::backend::{AnomalyMaps, Backend, BackendError, Encoders, XyzGroups};
use crate::frame::is_point;
use crate::model::{Architecture, Tensors, Weights};
use crate::prepare::Stride;
use crate::shapes::P;
use kernel::{Arithmetic, Kernel};

/// The threads of a back end.
pub type Workers = team::Team<Scratch>;

/// Memory of one thread.
#[derive(Default)]
pub struct Scratch {
    product: packed::Scratch,
    attention: attention::AttentionScratch,
    encoder: group_encoder::EncoderScratch,
    mapping: mapping::MappingScratch,
    nearest: grouping::NearestScratch,
    /// Bounds of a search for centres.
    bounds: Vec<f32>,
    /// Where a sparse row has each group.
    places: Vec<u32>,
}

impl Scratch {
    fn grow_like(&mut self, other: &Self) {
        self.product.grow_like(&other.product);
        self.attention.grow_like(&other.attention);
        self.encoder.grow_like(&other.encoder);
        self.mapping.grow_like(&other.mapping);
        self.nearest.grow_like(&other.nearest);
        aligned::grow_like(&mut self.bounds, &other.bounds);
        aligned::grow_like(&mut self.places, &other.places);
    }
}

impl AsMut<packed::Scratch> for Scratch {
    fn as_mut(&mut self) -> &mut packed::Scratch {
        &mut self.product
    }
}

/// How the method is evaluated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CpuOptions {
    pub arithmetic: Arithmetic,
    pub stride: Stride,
}

impl CpuOptions {
    /// The instruction set of the large products.
    pub fn instruction_set(&self) -> String {
        let [networks, mappings] = [self.arithmetic.of_networks(), self.arithmetic].map(|a| Kernel::best(a).name);
        if networks == mappings { networks.into() } else { format!("{networks}; mappings {mappings}") }
    }
}

/// The method with its weights folded and packed for this machine.
pub struct CpuBackend {
    workers: Workers,
    buffers: transformer::BlockBuffers,
    vit: vit::Vit,
    point_mae: point_mae::PointMae,
    mappings: Option<Mappings>,
    points: Vec<[f32; 3]>,
}

struct Mappings {
    rgb_to_xyz: mapping::Mapping,
    xyz_to_rgb: mapping::Mapping,
    buffers: mapping::MappingBuffers,
    stride: Stride,
    rows_rgb: interpolate::SparseRows,
    rows_xyz: interpolate::SparseRows,
    interpolator: interpolate::Interpolator,
    pixels: pixels::Pixels,
    psi: Vec<f32>,
    smoothing: Vec<f32>,
}

impl CpuBackend {
    /// Folds `weights`. Without their mappings the back end only describes frames.
    pub fn new(architecture: &Architecture, weights: Weights) -> Self {
        Self::with_options(architecture, weights, CpuOptions::default())
    }

    pub fn with_options(architecture: &Architecture, mut weights: Weights, options: CpuOptions) -> Self {
        let kernel = Kernel::best(options.arithmetic.of_networks());
        let mappings = weights.take_mappings();
        let weights = &mut weights.into_tensors();
        Self {
            workers: Workers::of_all_cores(),
            buffers: transformer::BlockBuffers::default(),
            vit: vit::Vit::new(kernel, &architecture.rgb, weights),
            point_mae: point_mae::PointMae::new(kernel, &architecture.xyz, weights),
            mappings: mappings.map(|mut mappings| Mappings::new(options, architecture, &mut mappings)),
            points: Vec::with_capacity(P),
        }
    }
}

impl Mappings {
    fn new(options: CpuOptions, architecture: &Architecture, weights: &mut Tensors) -> Self {
        let CpuOptions { arithmetic, stride } = options;
        let kernels =
            mapping::Kernels { tokens: Kernel::best(arithmetic.of_networks()), hidden_units: Kernel::best(arithmetic) };
        let mut mapping = |name, c_out| mapping::Mapping::new(kernels, name, architecture.hidden, c_out, weights);
        Self {
            rgb_to_xyz: mapping("map_rgb_to_xyz", architecture.c_xyz()),
            xyz_to_rgb: mapping("map_xyz_to_rgb", architecture.c_rgb()),
            buffers: mapping::MappingBuffers::default(),
            stride,
            rows_rgb: interpolate::rgb_rows(),
            rows_xyz: interpolate::SparseRows::default(),
            interpolator: interpolate::Interpolator::default(),
            pixels: pixels::Pixels::with_capacity(),
            psi: Vec::with_capacity(P),
            smoothing: Vec::new(),
        }
    }
}

impl Backend for CpuBackend {
    fn rgb_tokens(&mut self, rgb: &[f32], tokens: &mut Vec<f32>) -> Result<(), BackendError> {
        self.encode_rgb(rgb, tokens)
    }

    fn xyz_groups(&mut self, cloud: &[[f32; 3]], groups: &mut XyzGroups) -> Result<(), BackendError> {
        self.points.clear();
        self.points.extend(cloud.iter().copied().filter(is_point));
        if self.points.is_empty() {
            groups.features.clear();
            groups.centres.clear();
            groups.centre_index.clear();
        } else {
            self.point_mae.run(&mut self.workers, &mut self.buffers, &self.points, groups);
            self.workers.level(Scratch::grow_like);
        }
        Ok(())
    }

    fn anomaly_map(
        &mut self,
        tokens: &[f32],
        cloud: &[[f32; 3]],
        groups: &XyzGroups,
        maps: &mut AnomalyMaps,
    ) -> Result<(), BackendError> {
        let Self { workers, mappings: Some(mappings), .. } = self else {
            unreachable!("an anomaly map needs an engine with mappings")
        };
        let Mappings {
            rgb_to_xyz,
            xyz_to_rgb,
            buffers,
            stride,
            rows_rgb,
            rows_xyz,
            interpolator,
            pixels,
            psi,
            smoothing,
        } = mappings;
        interpolator.xyz_rows(workers, cloud, &groups.centres, rows_xyz);
        pixels.choose(rows_xyz, *stride, maps);
        psi.resize(pixels.chosen.len(), 0.0);
        let rgb = mapping::Side { features: tokens, rows: rows_rgb };
        let xyz = mapping::Side { features: &groups.features, rows: rows_xyz };
        rgb_to_xyz.discrepancy(workers, buffers, &rgb, &xyz, &pixels.chosen, psi);
        pixels.spread(psi, &maps.valid, &mut maps.psi_xyz);
        xyz_to_rgb.discrepancy(workers, buffers, &xyz, &rgb, &pixels.chosen, psi);
        pixels.spread(psi, &maps.valid, &mut maps.psi_rgb);
        anomaly::combine(maps, smoothing);
        workers.level(Scratch::grow_like);
        Ok(())
    }
}

impl Encoders for CpuBackend {
    fn encode_rgb(&mut self, rgb: &[f32], tokens: &mut Vec<f32>) -> Result<(), BackendError> {
        self.vit.run(&mut self.workers, &mut self.buffers, rgb, tokens);
        self.workers.level(Scratch::grow_like);
        Ok(())
    }

    fn encode_groups(
        &mut self,
        points: &[[f32; 3]],
        neighbours: &[u32],
        groups: &mut XyzGroups,
    ) -> Result<(), BackendError> {
        self.point_mae.encode(&mut self.workers, &mut self.buffers, points, neighbours, groups);
        self.workers.level(Scratch::grow_like);
        Ok(())
    }
}
