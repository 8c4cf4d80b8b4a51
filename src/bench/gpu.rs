//! What a GPU measures of frames: its own times of their stages, and the memory that an engine takes.

use std::time::Duration;

use serde::Serialize;

use super::spread::Spread;
use crate::backend::gpu_frame::{GpuStage, GpuTimes, GpuUse};
use crate::frame::RgbdFrame;
use crate::inspect::{InspectError, Inspection, Inspector};

/// The GPU's part of the report of `crosscheck bench`.
#[derive(Debug, Serialize)]
pub struct Gpu {
    pub name: String,
    /// The CUDA version that the driver is for.
    pub driver: String,
    pub capability: String,
    pub multiprocessors: i32,
    /// The highest clock of the multiprocessors.
    pub clock_mhz: f64,
    pub memory: Memory,
    /// The part of the preparation in which the CPU does not wait for the GPU.
    pub host_preparation_ms: Spread,
    /// From the copy of the prepared input to the last download, by the GPU's clock; null if the networks run on
    /// the CPU.
    pub frame_ms: Option<Spread>,
    /// By the GPU's clock.
    pub stages: Vec<Stage>,
}

/// Memory of the GPU, 10^6 bytes.
#[derive(Debug, Serialize)]
pub struct Memory {
    /// Weights of networks and mappings, without those in plans of TensorRT.
    pub weights_mb: f64,
    /// All other buffers of this program, without those of TensorRT; null if the driver does not count them.
    pub activations_mb: Option<f64>,
    /// What all programs use, the driver's own part included.
    pub used_mb: f64,
    pub total_mb: f64,
}

/// A stage; those of different streams run side by side.
#[derive(Debug, Serialize)]
pub struct Stage {
    pub name: &'static str,
    pub stream: &'static str,
    pub median_ms: f64,
    pub max_ms: f64,
}

/// Inspects `frame` once to warm up and then `frames` times; none if `inspector` runs on the CPU. Later frames of the
/// inspector are a little slower.
pub fn measure(inspector: &mut Inspector, frame: &RgbdFrame, frames: usize) -> Result<Option<Gpu>, InspectError> {
    let Some(gpu) = inspector.measure_gpu()? else { return Ok(None) };
    let (mut inspection, mut host_ms, mut times) = (Inspection::default(), Vec::new(), Vec::new());
    for i in 0..=frames.max(1) {
        inspector.inspect_into(frame, None, &mut inspection)?;
        if let (Some(measured), true) = (inspector.gpu_times()?, i > 0) {
            host_ms.push(ms(inspection.times.prepare.saturating_sub(measured.waited)));
            times.push(measured);
        }
    }
    Ok(Some(Gpu::new(&gpu, host_ms, &times)))
}

impl Gpu {
    fn new(gpu: &GpuUse, host_ms: Vec<f64>, times: &[GpuTimes]) -> Self {
        let version = |(major, minor): (i32, i32)| format!("{major}.{minor}");
        let megabytes = |bytes: usize| bytes as f64 / 1e6;
        let whole: Vec<f64> = times.iter().filter_map(|times| times.frame).map(ms).collect();
        let first = times.first().map_or(&[][..], |times| &times.stages);
        Self {
            name: gpu.name.clone(),
            driver: version(gpu.driver),
            capability: version(gpu.capability),
            multiprocessors: gpu.multiprocessors,
            clock_mhz: f64::from(gpu.clock_khz) / 1e3,
            memory: Memory {
                weights_mb: megabytes(gpu.weights),
                activations_mb: gpu.activations.map(megabytes),
                used_mb: megabytes(gpu.memory_total - gpu.memory_free),
                total_mb: megabytes(gpu.memory_total),
            },
            host_preparation_ms: Spread::of(host_ms),
            frame_ms: (!whole.is_empty()).then(|| Spread::of(whole)),
            stages: first.iter().map(|stage| Stage::new(stage, times)).collect(),
        }
    }
}

impl Stage {
    fn new(stage: &GpuStage, times: &[GpuTimes]) -> Self {
        let of_name = |times: &GpuTimes| times.stages.iter().find(|other| other.name == stage.name).map(|s| ms(s.time));
        let Spread { median, max, .. } = Spread::of(times.iter().filter_map(of_name).collect());
        Self { name: stage.name, stream: stage.stream, median_ms: median, max_ms: max }
    }
}

fn ms(time: Duration) -> f64 {
    1e3 * time.as_secs_f64()
}
