//! The whole method on a GPU.

use std::sync::Arc;
use std::time::Duration;

use super::device::Device;
use super::error::CudaError;
use super::examine;
use super::frame::{Frame, Input};
use super::kernel_networks::KernelNetworks;
use super::mapping_limits;
use super::module::Kernels;
use super::networks::{GpuNetworks, Networks};
use super::pixels::PixelDevice;
use super::resident::Residents;
use crate::backend::cpu::CpuNetworks;
use crate::backend::error::BackendError;
use crate::backend::evaluation::Evaluation;
use crate::backend::features::{Features, XyzGroups};
use crate::backend::gpu_frame::{GpuTimes, GpuUse};
use crate::backend::maps::AnomalyMaps;
use crate::backend::stages::{Backend, Describe, PreparationMachine, in_turn};
use crate::frame::is_point;
use crate::model::{Architecture, Score, Weights};
use crate::prepare::NetworkInput;
use crate::shapes::P;

/// The method on a GPU.
pub struct CudaBackend {
    frame: Frame,
    /// Dropped after the frame, which waits for all work.
    residents: Arc<Residents>,
    /// The networks on the CPU; none if the networks are on the GPU.
    networks: Option<CpuNetworks>,
    /// The valid points of a cloud, `[N]`.
    points: Vec<[f32; 3]>,
    neighbours: Vec<u32>,
}

impl CudaBackend {
    /// Opens the first GPU. `weights` are those of a fitted engine. Networks that the kernels cannot run are run by the CPU
    /// in the arithmetic of `evaluation`, which a warning reports.
    pub fn new(architecture: &Architecture, weights: Weights, evaluation: Evaluation) -> Result<Self, CudaError> {
        let device = open()?;
        let (mut of_networks, mut mappings) = weights.into_networks_and_mappings();
        mapping_limits::check(architecture, &of_networks, &mappings)?;
        let on_gpu = KernelNetworks::open(&device, architecture, &mut of_networks)?;
        let on_cpu = || CpuNetworks::new(architecture, &mut of_networks, evaluation.arithmetic);
        let on_cpu = on_gpu.is_none().then(on_cpu);
        let on_gpu = on_gpu.map(|networks| GpuNetworks::Kernels(Box::new(networks)));
        Self::of(Frame::new(device, architecture, evaluation.stride, &mut mappings, on_gpu)?, on_cpu)
    }

    /// As [`Self::new`], but with `networks`, on the GPU. They compute no terms of a likelihood, which is refused.
    pub fn with_networks(
        architecture: &Architecture,
        weights: Weights,
        evaluation: Evaluation,
        networks: Box<dyn Networks>,
    ) -> Result<Self, CudaError> {
        if architecture.score == Score::Likelihood {
            return Err(CudaError::Graphs(architecture.score));
        }
        let device = open()?;
        let (of_networks, mut mappings) = weights.into_networks_and_mappings();
        mapping_limits::check(architecture, &of_networks, &mappings)?;
        let on_gpu = Some(GpuNetworks::Graphs(networks));
        Self::of(Frame::new(device, architecture, evaluation.stride, &mut mappings, on_gpu)?, None)
    }

    fn of(frame: Frame, networks: Option<CpuNetworks>) -> Result<Self, CudaError> {
        let residents = Arc::new(Residents::new(&frame.device().shape)?);
        frame.device().synchronize()?;
        Ok(Self { frame, residents, networks, points: Vec::with_capacity(P), neighbours: Vec::new() })
    }

    pub(super) fn kernels(&self) -> &Kernels {
        &self.frame.device().kernels
    }
}

/// The first GPU, which the log names.
fn open() -> Result<Device, CudaError> {
    let device = Device::open()?;
    device.log()?;
    Ok(device)
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
    fn preparation_machine(&self) -> Option<Box<dyn PreparationMachine>> {
        match PixelDevice::beside(self.frame.device(), self.residents.clone()) {
            Ok(machine) => Some(Box::new(machine)),
            Err(error) => {
                log::warn!("frames are prepared on the CPU, with the same result: {error}");
                None
            }
        }
    }

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
        Ok(self.frame.whole(&Input::Host { rgb, cloud }, maps)?)
    }

    fn prepared_frame(
        &mut self,
        input: &NetworkInput,
        features: &mut Features,
        maps: &mut AnomalyMaps,
    ) -> Result<[Duration; 3], BackendError> {
        let has_points = input.kept.contains(&true);
        if self.networks.is_none()
            && has_points
            && let Some(resident) = input.resident.and_then(|number| self.residents.find(number))
        {
            // It is held until the frame is done.
            return Ok(self.frame.whole(&Input::Device(&resident), maps)?);
        }
        self.frame(&input.rgb, &input.cloud, features, maps)
    }

    fn measure_gpu(&mut self) -> Result<Option<GpuUse>, BackendError> {
        self.frame.measure()?;
        Ok(Some(examine::in_use(self.frame.device(), self.frame.weight_bytes())?))
    }

    fn gpu_times(&self) -> Result<Option<GpuTimes>, BackendError> {
        Ok(Some(self.frame.device().events.times()?))
    }
}
