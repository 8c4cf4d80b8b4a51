//! Computes the features of frames without mappings.

use super::buffers::Shared;
use super::device::Device;
use super::error::CudaError;
use super::graph::FrameGraph;
use super::groups::Groups;
use super::kernel_networks::KernelNetworks;
use super::products::{halves, widen};
use crate::backend::arithmetic::Arithmetic;
use crate::backend::cpu::CpuNetworks;
use crate::backend::error::BackendError;
use crate::backend::features::XyzGroups;
use crate::backend::stages::Describe;
use crate::model::{Architecture, Weights};
use crate::shapes::{P, RGB, T};

pub struct CudaDescriber {
    // Fields are dropped in this order: the graph before the memory that it uses, and both before the device.
    graph: FrameGraph,
    groups: Groups,
    networks: DescriberNetworks,
    device: Device,
    /// The valid points of a cloud, `[N]`.
    points: Vec<[f32; 3]>,
    neighbours: Vec<u32>,
}

/// The networks, and where they run.
enum DescriberNetworks {
    Gpu(Box<OnGpu>),
    Cpu(Box<CpuNetworks>),
}

struct OnGpu {
    networks: KernelNetworks,
    /// The normalised image, halves `[3, H, W]`.
    image: Shared<u16>,
    /// Halves `[T, C_RGB]` and `[G, C_XYZ]`.
    tokens: Shared<u16>,
    features: Shared<u16>,
}

impl CudaDescriber {
    /// Opens the first GPU. `weights` has those of both networks. Networks that the kernels cannot run are run by the
    /// CPU, which a warning reports.
    pub fn new(architecture: &Architecture, weights: Weights) -> Result<Self, CudaError> {
        let device = Device::open()?;
        device.log()?;
        let groups = Groups::new(&device.shape, architecture.xyz.groups, architecture.xyz.group_size)?;
        let mut weights = weights.into_tensors();
        let networks = match KernelNetworks::open(&device, architecture, &mut weights)? {
            Some(networks) => {
                let shared = |len| Shared::new(&device.shape, len);
                DescriberNetworks::Gpu(Box::new(OnGpu {
                    networks,
                    image: shared(RGB * P)?,
                    tokens: shared(T * architecture.c_rgb())?,
                    features: shared(architecture.xyz.groups * architecture.c_xyz())?,
                }))
            }
            None => DescriberNetworks::Cpu(Box::new(CpuNetworks::new(architecture, &mut weights, Arithmetic::F32))),
        };
        device.synchronize()?;
        let points = Vec::with_capacity(P);
        Ok(Self { graph: FrameGraph::default(), groups, networks, device, points, neighbours: Vec::new() })
    }
}

impl OnGpu {
    fn rgb_tokens(&mut self, device: &Device, rgb: &[f32], tokens: &mut Vec<f32>) -> Result<(), CudaError> {
        halves(rgb, rgb.len(), self.image.host_mut());
        let Device { shape, kernels, .. } = device;
        self.image.upload(shape)?;
        self.networks.rgb_tokens(kernels, shape, &self.image.device, &mut self.tokens.device)?;
        widen(self.tokens.fetch(shape)?, tokens);
        Ok(())
    }

    fn xyz_groups(&mut self, device: &Device, groups: &Groups, features: &mut Vec<f32>) -> Result<(), CudaError> {
        let Device { shape, kernels, .. } = device;
        let into = &mut self.features.device;
        self.networks.xyz_groups(kernels, shape, &groups.offsets, &groups.centres.device, into)?;
        widen(self.features.fetch(shape)?, features);
        Ok(())
    }
}

impl Describe for CudaDescriber {
    fn rgb_tokens(&mut self, rgb: &[f32], tokens: &mut Vec<f32>) -> Result<(), BackendError> {
        match &mut self.networks {
            DescriberNetworks::Gpu(networks) => networks.rgb_tokens(&self.device, rgb, tokens)?,
            DescriberNetworks::Cpu(networks) => networks.encode_rgb(rgb, tokens),
        }
        Ok(())
    }

    fn xyz_groups(&mut self, cloud: &[[f32; 3]], groups: &mut XyzGroups) -> Result<(), BackendError> {
        if !groups.begin(cloud, &mut self.points) {
            return Ok(());
        }
        self.groups.fetch(&self.device, &mut self.graph, cloud, groups, &mut self.neighbours)?;
        match &mut self.networks {
            DescriberNetworks::Gpu(networks) => {
                networks.xyz_groups(&self.device, &self.groups, &mut groups.features)?;
            }
            DescriberNetworks::Cpu(networks) => networks.encode_groups(&self.points, &self.neighbours, groups),
        }
        Ok(())
    }
}

impl Drop for CudaDescriber {
    fn drop(&mut self) {
        // After an error, work may still be under way in this memory.
        self.device.end();
    }
}
