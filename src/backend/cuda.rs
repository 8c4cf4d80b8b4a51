//! The CUDA back end: grouping, mappings and anomaly map on an NVIDIA GPU; the two networks on it too where someone
//! gives them ([`Networks`]), on the CPU otherwise.
//!
//! `docs/gpu.md` says what of it was verified, and how; it was never run on a GPU.

mod anomaly;
mod blas;
mod buffers;
mod device;
mod fit;
mod frame;
mod grouping;
mod interpolate;
mod launch;
pub mod learner;
mod mapping;
mod module;
mod networks;
mod prepare;
mod recording;
mod registration;
pub mod selftest;
mod work;

use std::time::Duration;

use cudarc::cublas::result::CublasError;
use cudarc::driver::DriverError;
use thiserror::Error;

use crate::backend::cpu::{CpuBackend, CpuOptions};
use crate::backend::{self, AnomalyMaps, Backend, BackendError, Between, Encoders, XyzGroups};
use crate::frame::is_point;
use crate::model::{Architecture, Weights};
use crate::prepare::Stride;
use crate::shapes::P;
use device::Device;
pub use device::{Gpu, gpu, make_current};
use frame::Frame;
use module::Kernels;
pub use networks::{Described, Networks, Tail};
pub use registration::open as open_registrar;

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
    #[error("the networks on the GPU failed: {0}")]
    Networks(String),
    #[error(
        "no cuBLAS: libcublas.so.12 and libcublasLt.so.12 are not found; install NVIDIA's package libcublas-12-6 (JetPack has it too), or learn on the CPU: --backend cpu"
    )]
    NoBlas,
    #[error("cuBLAS {major}.{minor} where 12.0 or later is expected; update it, or learn on the CPU: --backend cpu")]
    OldBlas { major: i32, minor: i32 },
    #[error("cuBLAS gave a call up: {0}; check the GPU's memory, and the kernel's log for Xid")]
    Blas(#[from] CublasError),
    #[error("the GPU evaluates every pixel: give --stride 1, or take the cpu back end")]
    Stride,
}

/// The method on a GPU.
pub struct CudaBackend {
    frame: Frame,
    /// The networks, where they are not on the GPU.
    encoders: Option<Box<dyn Encoders + Send>>,
    /// The valid points of a cloud, `[N]`.
    points: Vec<[f32; 3]>,
    neighbours: Vec<u32>,
}

impl CudaBackend {
    /// Opens the first GPU. `weights`: of a fitted engine; `options`: of the CPU's networks.
    pub fn new(architecture: &Architecture, weights: Weights, options: CpuOptions) -> Result<Self, CudaError> {
        Self::with_networks(architecture, weights, options, None)
    }

    /// The same with `networks` on the GPU in place of the CPU's.
    pub fn with_networks(
        architecture: &Architecture,
        mut weights: Weights,
        options: CpuOptions,
        networks: Option<Box<dyn Networks>>,
    ) -> Result<Self, CudaError> {
        if options.stride != Stride::One {
            return Err(CudaError::Stride);
        }
        let device = Device::open()?;
        log::info!("the GPU is {}", device.name);
        let (free, total) = device.memory()?;
        let on_gpu = networks.is_some();
        let Some(mut mappings) = weights.take_mappings() else { panic!("the engine has no mappings") };
        let frame = Frame::new(device, architecture, &mut mappings, networks)?;
        log::info!("of its memory {} MB of {} MB were free", free >> 20, total >> 20);
        let on_cpu =
            || -> Box<dyn Encoders + Send> { Box::new(CpuBackend::with_options(architecture, weights, options)) };
        let encoders = (!on_gpu).then(on_cpu);
        Ok(Self { frame, encoders, points: Vec::with_capacity(P), neighbours: Vec::new() })
    }

    fn kernels(&self) -> &Kernels {
        self.frame.kernels()
    }
}

impl Backend for CudaBackend {
    fn rgb_tokens(&mut self, rgb: &[f32], tokens: &mut Vec<f32>) -> Result<(), BackendError> {
        match &mut self.encoders {
            Some(encoders) => encoders.encode_rgb(rgb, tokens),
            None => Ok(self.frame.encode_rgb(rgb, tokens)?),
        }
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
        match &mut self.encoders {
            Some(encoders) => encoders.encode_groups(&self.points, &self.neighbours, groups),
            None => Ok(self.frame.encode_groups(&mut groups.features)?),
        }
    }

    fn frame(
        &mut self,
        rgb: &[f32],
        cloud: &[[f32; 3]],
        between: &mut Between,
        maps: &mut AnomalyMaps,
    ) -> Result<[Duration; 3], BackendError> {
        if self.encoders.is_some() {
            return backend::stages(self, rgb, cloud, between, maps);
        }
        if !cloud.iter().any(is_point) {
            maps.silence();
            return Ok([Duration::ZERO; 3]);
        }
        Ok(self.frame.whole(rgb, cloud, maps)?)
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
