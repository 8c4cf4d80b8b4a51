//! Both networks on the CPU.

use super::kernel::Kernel;
use super::point_mae::PointMae;
use super::team::all_cores;
use super::transformer::BlockBuffers;
use super::vit::Vit;
use super::workers::{Scratch, Workers};
use crate::backend::arithmetic::Arithmetic;
use crate::backend::error::BackendError;
use crate::backend::features::XyzGroups;
use crate::backend::stages::Describe;
use crate::model::{Architecture, Tensors};
use crate::shapes::P;

/// The networks of an engine, folded and packed for this processor, with the threads that run them.
pub struct CpuNetworks {
    pub(super) workers: Workers,
    buffers: BlockBuffers,
    vit: Vit,
    point_mae: PointMae,
    points: Vec<[f32; 3]>,
}

impl CpuNetworks {
    /// Takes both networks out of `weights`; their large products are calculated in `arithmetic`, by a thread for each core.
    pub fn new(architecture: &Architecture, weights: &mut Tensors, arithmetic: Arithmetic) -> Self {
        Self::with_threads(architecture, weights, arithmetic, all_cores())
    }

    /// The same with so many threads, the calling one among them.
    pub fn with_threads(
        architecture: &Architecture,
        weights: &mut Tensors,
        arithmetic: Arithmetic,
        threads: usize,
    ) -> Self {
        let kernel = Kernel::best(arithmetic.of_networks());
        Self {
            workers: Workers::new(threads),
            buffers: BlockBuffers::default(),
            vit: Vit::new(kernel, &architecture.rgb, weights),
            point_mae: PointMae::new(kernel, &architecture.xyz, weights),
            points: Vec::with_capacity(P),
        }
    }

    /// `rgb`: normalised image, `[3, H, W]`. Writes `[T, C_RGB]`.
    pub fn encode_rgb(&mut self, rgb: &[f32], tokens: &mut Vec<f32>) {
        self.vit.run(&mut self.workers, &mut self.buffers, rgb, tokens);
        self.workers.level(Scratch::grow_like);
    }

    /// Computes the features of groups that the caller has found. `points`: `[N, 3]`, metres; `neighbours`: indices of
    /// the points of each group, `[G, K]`. Reads `groups.centres` and writes `groups.features`, `[G, C_XYZ]`.
    pub fn encode_groups(&mut self, points: &[[f32; 3]], neighbours: &[u32], groups: &mut XyzGroups) {
        self.point_mae.encode(&mut self.workers, &mut self.buffers, points, neighbours, groups);
        self.workers.level(Scratch::grow_like);
    }
}

impl Describe for CpuNetworks {
    fn rgb_tokens(&mut self, rgb: &[f32], tokens: &mut Vec<f32>) -> Result<(), BackendError> {
        self.encode_rgb(rgb, tokens);
        Ok(())
    }

    fn xyz_groups(&mut self, cloud: &[[f32; 3]], groups: &mut XyzGroups) -> Result<(), BackendError> {
        if groups.begin(cloud, &mut self.points) {
            self.point_mae.run(&mut self.workers, &mut self.buffers, &self.points, groups);
            self.workers.level(Scratch::grow_like);
        }
        Ok(())
    }
}
