//! Computes the features of frames without mappings: the groups are found on the GPU, the networks run on the CPU.

use super::device::Device;
use super::error::CudaError;
use super::graph::FrameGraph;
use super::groups::Groups;
use crate::backend::arithmetic::Arithmetic;
use crate::backend::cpu::CpuNetworks;
use crate::backend::error::BackendError;
use crate::backend::features::XyzGroups;
use crate::backend::stages::Describe;
use crate::model::{Architecture, Weights};
use crate::shapes::P;

pub struct CudaDescriber {
    // Fields are dropped in this order: the graph before the memory that it uses, and both before the device.
    graph: FrameGraph,
    groups: Groups,
    device: Device,
    networks: CpuNetworks,
    /// The valid points of a cloud, `[N]`.
    points: Vec<[f32; 3]>,
    neighbours: Vec<u32>,
}

impl CudaDescriber {
    /// Opens the first GPU. `weights` has those of both networks.
    pub fn new(architecture: &Architecture, weights: Weights) -> Result<Self, CudaError> {
        let device = Device::open()?;
        device.log()?;
        let groups = Groups::new(&device.shape, architecture.xyz.groups, architecture.xyz.group_size)?;
        let networks = CpuNetworks::new(architecture, &mut weights.into_tensors(), Arithmetic::F32);
        let points = Vec::with_capacity(P);
        Ok(Self { graph: FrameGraph::default(), groups, device, networks, points, neighbours: Vec::new() })
    }
}

impl Describe for CudaDescriber {
    fn rgb_tokens(&mut self, rgb: &[f32], tokens: &mut Vec<f32>) -> Result<(), BackendError> {
        self.networks.encode_rgb(rgb, tokens);
        Ok(())
    }

    fn xyz_groups(&mut self, cloud: &[[f32; 3]], groups: &mut XyzGroups) -> Result<(), BackendError> {
        if !groups.begin(cloud, &mut self.points) {
            return Ok(());
        }
        self.groups.fetch(&self.device, &mut self.graph, cloud, groups, &mut self.neighbours)?;
        self.networks.encode_groups(&self.points, &self.neighbours, groups);
        Ok(())
    }
}

impl Drop for CudaDescriber {
    fn drop(&mut self) {
        // After an error, work may still be under way in this memory.
        self.device.end();
    }
}
