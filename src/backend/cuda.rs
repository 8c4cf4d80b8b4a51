//! The CUDA back end: grouping, mappings and anomaly map on an NVIDIA GPU, the two networks on the CPU.
//!
//! `docs/gpu.md` says what of it was verified, and how; it was never run on a GPU.

mod anomaly;
mod buffers;
mod device;
mod frame;
mod grouping;
mod interpolate;
mod launch;
mod mapping;
mod module;

use cudarc::driver::DriverError;
use thiserror::Error;

use crate::backend::cpu::{CpuBackend, CpuOptions};
use crate::backend::{AnomalyMaps, Backend, BackendError, Encoders, XyzGroups};
use crate::frame::is_point;
use crate::model::{Architecture, Weights};
use crate::prepare::Stride;
use crate::shapes::P;
use device::Device;
use frame::Frame;

#[derive(Debug, Error, PartialEq)]
pub enum CudaError {
    #[error("no CUDA driver: libcuda.so.1 is not found; install NVIDIA's driver, or take the cpu back end")]
    NoDriver,
    #[error(
        "the CUDA driver is for CUDA {major}.{minor} where 12.6 or later is expected; update it, or take the cpu back end"
    )]
    OldDriver { major: i32, minor: i32 },
    #[error("the CUDA driver finds no GPU: {0}; check nvidia-smi, or take the cpu back end")]
    NoDevice(DriverError),
    #[error("the GPU cannot be opened: {0}; check nvidia-smi, or take the cpu back end")]
    Context(DriverError),
    #[error(
        "the GPU {name} has compute capability {major}.{minor} where 8.0 or later is expected; take the cpu back end"
    )]
    OldDevice { name: String, major: i32, minor: i32 },
    #[error("the GPU {name} cannot hold {blocks} blocks at once, which sampling needs; take the cpu back end")]
    SmallDevice { name: String, blocks: usize },
    #[error("the driver does not take the kernels of {family}: {source}; update the driver, or take the cpu back end")]
    Module { family: &'static str, source: DriverError },
    #[error("the kernel {name} cannot be launched: {source}")]
    Kernel { name: &'static str, source: DriverError },
    #[error("the GPU gave a call up: {0}; check its memory, and the kernel's log for Xid")]
    Driver(#[from] DriverError),
    #[error("groups of {k} points are more than the GPU takes, {k_max}: take the cpu back end")]
    GroupSize { k: usize, k_max: usize },
    #[error("the GPU evaluates every pixel: give --stride 1, or take the cpu back end")]
    Stride,
}

/// The method on a GPU, with the networks of another machine.
pub struct CudaBackend {
    frame: Frame,
    encoders: Box<dyn Encoders + Send>,
    /// The valid points of a cloud, `[N]`.
    points: Vec<[f32; 3]>,
    neighbours: Vec<u32>,
}

impl CudaBackend {
    /// Opens the first GPU. `weights`: every tensor of [`Architecture::tensors`]; `options`: of the networks.
    pub fn new(architecture: &Architecture, mut weights: Weights, options: CpuOptions) -> Result<Self, CudaError> {
        if options.stride != Stride::One {
            return Err(CudaError::Stride);
        }
        let device = Device::open()?;
        log::info!("the GPU is {}", device.name);
        let (free, total) = device.memory()?;
        let frame = Frame::new(device, architecture, &mut weights)?;
        log::info!("of its memory {} MB of {} MB were free", free >> 20, total >> 20);
        // The mappings are the GPU's.
        let encoders = Box::new(CpuBackend::with_options(architecture, weights, options));
        Ok(Self { frame, encoders, points: Vec::with_capacity(P), neighbours: Vec::new() })
    }
}

impl Backend for CudaBackend {
    fn rgb_tokens(&mut self, rgb: &[f32], tokens: &mut Vec<f32>) -> Result<(), BackendError> {
        self.encoders.encode_rgb(rgb, tokens)
    }

    fn xyz_groups(&mut self, cloud: &[[f32; 3]], groups: &mut XyzGroups) -> Result<(), BackendError> {
        self.points.clear();
        self.points.extend(cloud.iter().copied().filter(is_point));
        if self.points.is_empty() {
            groups.features.clear();
            groups.centres.clear();
            groups.centre_index.clear();
            return Ok(());
        }
        self.frame.group(cloud, groups, &mut self.neighbours)?;
        self.encoders.encode_groups(&self.points, &self.neighbours, groups)
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
}
