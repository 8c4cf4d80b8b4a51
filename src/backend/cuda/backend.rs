//! The whole method on a GPU.

use std::time::Duration;

use super::device::Device;
use super::error::CudaError;
use super::frame::Frame;
use super::module::Kernels;
use super::networks::Networks;
use crate::backend::cpu::CpuNetworks;
use crate::backend::error::BackendError;
use crate::backend::evaluation::Evaluation;
use crate::backend::features::{Features, XyzGroups};
use crate::backend::maps::AnomalyMaps;
use crate::backend::stages::{Backend, Describe, in_turn};
use crate::frame::is_point;
use crate::model::{Architecture, Weights};
use crate::shapes::P;

/// The method on a GPU.
pub struct CudaBackend {
    frame: Frame,
    /// The networks on the CPU; none if the networks are on the GPU.
    networks: Option<CpuNetworks>,
    /// The valid points of a cloud, `[N]`.
    points: Vec<[f32; 3]>,
    neighbours: Vec<u32>,
}

impl CudaBackend {
    /// Opens the first GPU, with the networks on the CPU. `weights` are those of a fitted engine. `evaluation` has the
    /// arithmetic of the CPU's networks, and which pixels are evaluated.
    pub fn new(architecture: &Architecture, weights: Weights, evaluation: Evaluation) -> Result<Self, CudaError> {
        Self::with_networks(architecture, weights, evaluation, None)
    }

    /// As [`Self::new`], but the networks are `networks`, on the GPU, if given.
    pub fn with_networks(
        architecture: &Architecture,
        weights: Weights,
        evaluation: Evaluation,
        networks: Option<Box<dyn Networks>>,
    ) -> Result<Self, CudaError> {
        let device = Device::open()?;
        device.log()?;
        let on_gpu = networks.is_some();
        let (mut of_networks, mut mappings) = weights.into_networks_and_mappings();
        let frame = Frame::new(device, architecture, evaluation.stride, &mut mappings, networks)?;
        let on_cpu = || CpuNetworks::new(architecture, &mut of_networks, evaluation.arithmetic);
        let networks = (!on_gpu).then(on_cpu);
        Ok(Self { frame, networks, points: Vec::with_capacity(P), neighbours: Vec::new() })
    }

    pub(super) fn kernels(&self) -> &Kernels {
        self.frame.kernels()
    }
}

impl Describe for CudaBackend {
    fn rgb_tokens(&mut self, rgb: &[f32], tokens: &mut Vec<f32>) -> Result<(), BackendError> {
        match &mut self.networks {
            Some(networks) => networks.encode_rgb(rgb, tokens),
            None => self.frame.encode_rgb(rgb, tokens)?,
        }
        Ok(())
    }

    fn xyz_groups(&mut self, cloud: &[[f32; 3]], groups: &mut XyzGroups) -> Result<(), BackendError> {
        if !groups.begin(cloud, &mut self.points) {
            return Ok(());
        }
        self.frame.group(cloud, groups, &mut self.neighbours)?;
        match &mut self.networks {
            Some(networks) => networks.encode_groups(&self.points, &self.neighbours, groups),
            None => self.frame.encode_groups(&mut groups.features)?,
        }
        Ok(())
    }
}

impl Backend for CudaBackend {
    fn anomaly_map(
        &mut self,
        tokens: &[f32],
        cloud: &[[f32; 3]],
        groups: &XyzGroups,
        maps: &mut AnomalyMaps,
    ) -> Result<(), BackendError> {
        if groups.centres.is_empty() {
            maps.silence();
            return Ok(());
        }
        Ok(self.frame.anomaly_map(tokens, cloud, groups, maps)?)
    }

    fn frame(
        &mut self,
        rgb: &[f32],
        cloud: &[[f32; 3]],
        features: &mut Features,
        maps: &mut AnomalyMaps,
    ) -> Result<[Duration; 3], BackendError> {
        if self.networks.is_some() {
            return in_turn(self, rgb, cloud, features, maps);
        }
        if !cloud.iter().any(is_point) {
            maps.silence();
            return Ok([Duration::ZERO; 3]);
        }
        Ok(self.frame.whole(rgb, cloud, maps)?)
    }
}
