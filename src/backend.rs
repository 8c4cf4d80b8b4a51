//! The boundary between the method and the machine: three stages, the tokens between them.

pub mod cpu;
#[cfg(feature = "cuda")]
pub mod cuda;
pub mod learner;
pub mod plans;
pub mod selftest;
#[cfg(feature = "tensorrt")]
pub mod tensorrt;

use std::time::{Duration, Instant};

use thiserror::Error;

use crate::calibration::assembly::OpenRegistrar;
use crate::model::{Architecture, MappingWeights, Weights, seeded};
use crate::shapes::P;
use cpu::training::CpuLearner;
use cpu::{CpuBackend, CpuOptions};
use learner::Learner;

/// Why a back end could not be opened, or gave a frame up.
#[derive(Debug, Error, PartialEq)]
pub enum BackendError {
    #[error(
        "this program was built without the CUDA back end: build it with --features cuda, or take the cpu back end"
    )]
    NotBuilt,
    #[error("this program was built without TensorRT: build it with --features tensorrt")]
    NoTensorRt,
    #[cfg(feature = "cuda")]
    #[error(transparent)]
    Cuda(#[from] cuda::CudaError),
    #[cfg(feature = "tensorrt")]
    #[error(transparent)]
    TensorRt(#[from] tensorrt::TensorRtError),
}

/// Which machine runs the method.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Choice {
    /// The CPU, whatever else there is: the kernels have not been measured on a GPU yet, and the networks are the
    /// CPU's on either.
    #[default]
    Auto,
    Cpu,
    Cuda,
}

crate::words::words!(serde Choice {
    Auto = "auto",
    Cpu = "cpu",
    Cuda = "cuda",
});

/// Runs every kernel of the CUDA back end against its twin, and the `golden` frames, each `repeats` times for the clock.
pub fn selftest(golden: &[selftest::Golden], repeats: usize) -> Result<selftest::Report, BackendError> {
    #[cfg(feature = "tensorrt")]
    return tensorrt::selftest::run(golden, repeats);
    #[cfg(all(feature = "cuda", not(feature = "tensorrt")))]
    return cuda::selftest::run(golden, repeats);
    #[cfg(not(feature = "cuda"))]
    {
        let (_, _) = (golden, repeats);
        Err(BackendError::NotBuilt)
    }
}

impl Choice {
    /// The machine it comes to.
    pub fn machine(self) -> &'static str {
        match self {
            Self::Auto | Self::Cpu => "cpu",
            Self::Cuda => "cuda",
        }
    }
}

/// Readies the method on the machine of `choice`. `weights`: of a fitted engine.
pub fn open(
    choice: Choice,
    architecture: &Architecture,
    weights: Weights,
    options: CpuOptions,
) -> Result<Box<dyn Backend + Send>, BackendError> {
    match choice {
        Choice::Auto | Choice::Cpu => Ok(Box::new(CpuBackend::with_options(architecture, weights, options))),
        #[cfg(feature = "cuda")]
        Choice::Cuda => {
            let networks = networks_on_gpu(architecture, &weights);
            Ok(Box::new(cuda::CudaBackend::with_networks(architecture, weights, options, networks)?))
        }
        #[cfg(not(feature = "cuda"))]
        Choice::Cuda => Err(BackendError::NotBuilt),
    }
}

/// What registers depth to colour on the machine of `choice`; none where that is the CPU.
pub fn registrar(choice: Choice) -> Option<OpenRegistrar> {
    match choice {
        #[cfg(feature = "cuda")]
        Choice::Cuda => Some(cuda::open_registrar),
        _ => None,
    }
}

/// Readies the networks of an engine, to describe frames with.
pub fn open_unfitted(
    choice: Choice,
    architecture: &Architecture,
    weights: Weights,
) -> Result<Box<dyn Backend + Send>, BackendError> {
    match choice {
        Choice::Auto | Choice::Cpu => Ok(Box::new(CpuBackend::new(architecture, weights))),
        Choice::Cuda => {
            // The GPU is readied for whole frames: any mappings will do.
            let mut weights = weights;
            weights.set_mappings(seeded::mappings(architecture, 0));
            open(choice, architecture, weights, CpuOptions::default())
        }
    }
}

/// Whether the machine of `choice` can learn mappings; an error says what it lacks.
pub fn check_learner(choice: Choice) -> Result<(), BackendError> {
    match choice {
        Choice::Auto | Choice::Cpu => Ok(()),
        #[cfg(feature = "cuda")]
        Choice::Cuda => Ok(cuda::learner::check()?),
        #[cfg(not(feature = "cuda"))]
        Choice::Cuda => Err(BackendError::NotBuilt),
    }
}

/// Readies both mappings to learn. `weights`: every tensor of [`Architecture::mapping_tensors`], to start from.
pub fn open_learner(
    choice: Choice,
    architecture: &Architecture,
    weights: MappingWeights,
) -> Result<Box<dyn Learner>, BackendError> {
    match choice {
        Choice::Auto | Choice::Cpu => Ok(Box::new(CpuLearner::new(architecture, weights))),
        #[cfg(feature = "cuda")]
        Choice::Cuda => Ok(Box::new(cuda::learner::CudaLearner::new(architecture, weights)?)),
        #[cfg(not(feature = "cuda"))]
        Choice::Cuda => Err(BackendError::NotBuilt),
    }
}

/// The networks on the GPU, where checked plans of them are kept; else they stay on the CPU, which is said.
#[cfg(feature = "cuda")]
fn networks_on_gpu(architecture: &Architecture, weights: &Weights) -> Option<Box<dyn cuda::Networks>> {
    #[cfg(feature = "tensorrt")]
    match tensorrt::kept(&plans::Request::of_this(architecture, weights)) {
        Ok(Some(networks)) => return Some(Box::new(networks)),
        Ok(None) => log::info!("no plans of TensorRT are in use: the networks run on the CPU"),
        Err(error) => log::warn!("the networks run on the CPU: {error}"),
    }
    #[cfg(not(feature = "tensorrt"))]
    let (_, _) = (architecture, weights);
    None
}

/// Builds TensorRT's plans that are not kept yet; `report` is told of every step, and says whether to go on.
pub fn build_plans(
    request: &plans::Request<'_>,
    report: &mut dyn FnMut(plans::Step<'_>) -> bool,
) -> Result<Vec<plans::Facts>, BackendError> {
    #[cfg(feature = "tensorrt")]
    return Ok(tensorrt::Set::asked(request)?.build(&tensorrt::Cache::new(request.cache)?, report)?);
    #[cfg(not(feature = "tensorrt"))]
    {
        let (_, _) = (request, report);
        Err(BackendError::NoTensorRt)
    }
}

/// Readies the method on this machine's GPU with the kept plans of `request`, checked or not: to check them.
pub fn open_unchecked(request: &plans::Request<'_>) -> Result<Box<dyn Backend + Send>, BackendError> {
    #[cfg(feature = "tensorrt")]
    return tensorrt::open_unchecked(request);
    #[cfg(not(feature = "tensorrt"))]
    {
        let _ = request;
        Err(BackendError::NoTensorRt)
    }
}

/// Takes the kept plans of `request` into use: they gave the CPU's scores within `score_difference` on `frames` frames.
pub fn take_into_use(request: &plans::Request<'_>, frames: usize, score_difference: f64) -> Result<(), BackendError> {
    #[cfg(feature = "tensorrt")]
    return tensorrt::Set::asked(request)?.keep_check(&tensorrt::Cache::new(request.cache)?, frames, score_difference);
    #[cfg(not(feature = "tensorrt"))]
    {
        let (_, _, _) = (request, frames, score_difference);
        Err(BackendError::NoTensorRt)
    }
}

/// Group features of one frame and the geometry that carries them to pixels.
#[derive(Clone, Debug, Default)]
pub struct XyzGroups {
    /// `[G, C_XYZ]`.
    pub features: Vec<f32>,
    /// Group centres, `[G, 3]`, metres.
    pub centres: Vec<[f32; 3]>,
    /// Index of each centre among the valid points in row-major order, `[G]`.
    pub centre_index: Vec<usize>,
}

/// The per-pixel results of one frame, each `[P]`.
#[derive(Clone, Debug, Default)]
pub struct AnomalyMaps {
    /// Distance of the predicted and observed colour feature, zero where there is no shape feature.
    pub psi_rgb: Vec<f32>,
    /// Distance of the predicted and observed shape feature.
    pub psi_xyz: Vec<f32>,
    /// The product, smoothed (section 3.3).
    pub anomaly_map: Vec<f32>,
    /// Pixels that have a shape feature.
    pub valid: Vec<bool>,
}

impl AnomalyMaps {
    /// Makes them the maps of a frame without a shape feature anywhere.
    pub fn silence(&mut self) {
        for map in [&mut self.psi_rgb, &mut self.psi_xyz, &mut self.anomaly_map] {
            map.clear();
            map.resize(P, 0.0);
        }
        self.valid.clear();
        self.valid.resize(P, false);
    }

    /// Silences the anomaly map where `counts`, `[P]`, says that defects do not count. The distances stay.
    pub fn keep(&mut self, counts: &[bool]) {
        for ((value, valid), counts) in self.anomaly_map.iter_mut().zip(&mut self.valid).zip(counts) {
            if !counts {
                (*value, *valid) = (0.0, false);
            }
        }
    }
}

/// A machine that runs the method. Sizes are the caller's to check. After an error the outputs mean nothing.
pub trait Backend {
    /// `rgb`: normalised image, `[3, H, W]`. Writes `[T, C_RGB]`.
    fn rgb_tokens(&mut self, rgb: &[f32], tokens: &mut Vec<f32>) -> Result<(), BackendError>;
    /// `cloud`: `[P]` points in metres, the origin where there is none.
    fn xyz_groups(&mut self, cloud: &[[f32; 3]], groups: &mut XyzGroups) -> Result<(), BackendError>;
    /// Both mappings, their discrepancies, and the smoothed product.
    fn anomaly_map(
        &mut self,
        tokens: &[f32],
        cloud: &[[f32; 3]],
        groups: &XyzGroups,
        maps: &mut AnomalyMaps,
    ) -> Result<(), BackendError>;

    /// All stages of one frame. `between` is what the stages hand on where the machine has no place of its own for it.
    /// Gives where the time went: tokens, groups, anomaly map; of stages side by side, the later has what it took longer.
    fn frame(
        &mut self,
        rgb: &[f32],
        cloud: &[[f32; 3]],
        between: &mut Between,
        maps: &mut AnomalyMaps,
    ) -> Result<[Duration; 3], BackendError> {
        stages(self, rgb, cloud, between, maps)
    }
}

/// [`Backend::frame`], one stage after the other.
fn stages(
    backend: &mut (impl Backend + ?Sized),
    rgb: &[f32],
    cloud: &[[f32; 3]],
    between: &mut Between,
    maps: &mut AnomalyMaps,
) -> Result<[Duration; 3], BackendError> {
    let Between { tokens, groups } = between;
    let start = Instant::now();
    backend.rgb_tokens(rgb, tokens)?;
    let encoded = start.elapsed();
    backend.xyz_groups(cloud, groups)?;
    let grouped = start.elapsed();
    backend.anomaly_map(tokens, cloud, groups, maps)?;
    Ok([encoded, grouped - encoded, start.elapsed() - grouped])
}

/// What stages of a frame hand on.
#[derive(Clone, Debug, Default)]
pub struct Between {
    /// `[T, C_RGB]`.
    pub tokens: Vec<f32>,
    pub groups: XyzGroups,
}

/// The two networks without the geometry around them: what a back end may leave to another machine.
pub trait Encoders {
    /// `rgb`: normalised image, `[3, H, W]`. Writes `[T, C_RGB]`.
    fn encode_rgb(&mut self, rgb: &[f32], tokens: &mut Vec<f32>) -> Result<(), BackendError>;
    /// `points`: `[N, 3]`, metres; `neighbours`: `[G, K]` of them by index. Writes `groups.features`, `[G, C_XYZ]`, from
    /// the groups' centres.
    fn encode_groups(
        &mut self,
        points: &[[f32; 3]],
        neighbours: &[u32],
        groups: &mut XyzGroups,
    ) -> Result<(), BackendError>;
}
