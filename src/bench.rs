//! The speed of an engine on this machine: time, operations and bytes of each stage, and the machine's own ceilings.

mod ceilings;
mod frames;
pub mod gpu;
pub mod line;
pub mod operations;
pub mod registration;
pub mod searches;
mod spread;
pub mod sweep;

use serde::Serialize;

use crate::backend::cpu::team::all_cores;
use crate::backend::{Arithmetic, Choice, Evaluation, Machine};
use crate::frame::{FrameError, OrganisedCloud, RgbdFrame};
use crate::inspect::{InspectError, Inspection, Inspector, StageTimes};
use crate::model::engine_file::Engine;
use crate::model::{Architecture, seeded};
use crate::prepare::Stride;
use crate::shapes::{H, P, W};
use ceilings::Ceilings;
pub use ceilings::peak_memory_mb;
use frames::Times;
use searches::Search;
pub use spread::Spread;

/// Number of times that ceilings are measured before and after a stream of frames, and before and after frames on a GPU,
/// which the CPU's ceilings say little about.
const CEILINGS: usize = 10;
const CEILINGS_BESIDE_GPU: usize = 2;

/// The report of `crosscheck bench`.
#[derive(Debug, Serialize)]
pub struct Report {
    /// Number of frames that were measured.
    pub frames: usize,
    /// Whether the frames were inspected without a pause, on a GPU each prepared while the one before was scored; otherwise
    /// the ceilings were measured after each.
    pub streaming: bool,
    /// `cpu` or `cuda`. With `cuda` too, operations and ceilings below are those of the CPU; they are measured before and
    /// after all frames then, as a GPU that waits between frames lowers its clock.
    pub backend: &'static str,
    /// The threads of the CPU back end.
    pub threads: usize,
    /// The arithmetic of large products, and the instructions that compute them: those of the networks, and those of
    /// the mappings if they differ.
    pub precision: &'static str,
    pub instruction_set: String,
    /// 1, or 2 if every second pixel is evaluated.
    pub stride: usize,
    pub valid_pixels: usize,
    pub points: usize,
    /// The reciprocal of the median frame's time; for a stream, the number of frames over the time of all.
    pub frames_per_second: f64,
    pub latency_ms: Spread,
    /// From a frame in the host's memory to its score there.
    pub capture_to_score_ms: Spread,
    /// Processor time of a frame, all threads together: more reliable than the latency on a machine with other work.
    pub processor_ms: Option<f64>,
    pub stages: Vec<Stage>,
    /// Searches, which are parts of the stages, measured by themselves after the frames.
    pub searches: [Search; 3],
    /// f32 products of the GEMM library on every core, median of those measured beside the frames.
    pub gemm_peak_gflops: f64,
    /// Bytes read and written by a copy on every core, median of those measured beside the frames.
    pub copy_peak_gb_per_s: f64,
    /// Counted operations of the frame over its median time, as a share of the GEMM ceiling.
    pub share_of_peak: f64,
    /// Largest resident set of this process until the first ceiling; none if the system does not report it.
    pub peak_memory_mb: Option<f64>,
    /// What a GPU measured of as many frames again; none with `cpu`.
    pub gpu: Option<gpu::Gpu>,
}

#[derive(Debug, Serialize)]
pub struct Stage {
    pub name: &'static str,
    pub median_ms: f64,
    /// Counted operations, 10^9.
    pub gflop: f64,
    /// Bytes that must pass through memory: weights, inputs and outputs, 10^6.
    pub megabytes: f64,
    /// Shortest time that the ceilings allow: the longer of operations at the GEMM's rate and bytes at the copy's.
    pub floor_ms: f64,
    pub share_of_floor: f64,
    /// The time of its operations at the GEMM ceiling, as a share of the stage's time.
    pub share_of_peak: f64,
}

/// The engine and the frame that are measured.
pub struct Subject<'a> {
    pub backend: Choice,
    pub architecture: &'a Architecture,
    pub stride: Stride,
    pub arithmetic: Arithmetic,
    pub frame: &'a RgbdFrame,
}

/// Inspects the frame once to warm up and then `frames` times.
pub fn run(
    inspector: &mut Inspector,
    subject: &Subject,
    frames: usize,
    streaming: bool,
) -> Result<Report, InspectError> {
    let mut inspection = Inspection::default();
    inspector.inspect_into(subject.frame, None, &mut inspection)?;
    let peak_memory_mb = peak_memory_mb();
    let mut ceilings = Ceilings::new();
    let around = match subject.backend.machine() {
        Machine::Cuda => CEILINGS_BESIDE_GPU,
        Machine::Cpu if streaming => CEILINGS,
        Machine::Cpu => 0,
    };
    (0..around).for_each(|_| ceilings.measure());
    let (frame, count) = (subject.frame, frames.max(1));
    let times = if streaming && inspector.preparation.runs_beside() {
        frames::ahead(inspector, frame, count, &mut inspection)?
    } else {
        let between = || {
            if around == 0 {
                ceilings.measure()
            }
        };
        frames::in_turn(inspector, frame, count, &mut inspection, between)?
    };
    (0..around).for_each(|_| ceilings.measure());
    if let Some(reason) = inspection.outcome.reason() {
        return Err(InspectError::NotScored(reason));
    }
    Ok(Report {
        streaming,
        frames_per_second: if streaming {
            count as f64 / times.wall_s
        } else {
            1e3 / spread(&times.stages, StageTimes::total).median
        },
        processor_ms: times.processor_ms.map(|sum| sum / count as f64),
        peak_memory_mb,
        gpu: gpu::measure(inspector, frame, frames)?,
        ..report(subject, &inspection, times, &ceilings)
    })
}

fn report(subject: &Subject, inspection: &Inspection, times: Times, ceilings: &Ceilings) -> Report {
    let Times { stages: times, to_score_ms, .. } = times;
    let (points, valid_pixels) = (inspection.input.points(), inspection.valid_pixels());
    let evaluated = match subject.stride {
        Stride::One => valid_pixels,
        Stride::Two => valid_pixels / 4,
    };
    let counted = operations::per_stage(subject.architecture, evaluated);
    let (gemm, copy) = (ceilings.gemm_gflops(), ceilings.copy_gigabytes_per_second());
    let latency_ms = spread(&times, StageTimes::total);
    let stages = counted.iter().enumerate().map(|(stage, counted)| {
        let (name, _) = times[0].stages()[stage];
        let median_ms = spread(&times, |times| times.stages()[stage].1).median;
        let (gflop, megabytes) = (counted.operations as f64 / 1e9, counted.bytes as f64 / 1e6);
        let floor_ms = (1e3 * gflop / gemm).max(megabytes / copy);
        let (share_of_floor, share_of_peak) = (floor_ms / median_ms, 1e3 * gflop / gemm / median_ms);
        Stage { name, median_ms, gflop, megabytes, floor_ms, share_of_floor, share_of_peak }
    });
    let operations: u64 = counted.iter().map(|stage| stage.operations).sum();
    let evaluation = Evaluation { arithmetic: subject.arithmetic, stride: subject.stride };
    Report {
        frames: times.len(),
        streaming: false,
        backend: subject.backend.machine().name(),
        threads: all_cores(),
        precision: subject.arithmetic.name(),
        instruction_set: evaluation.instruction_set(),
        stride: subject.stride.pixels(),
        valid_pixels,
        points,
        frames_per_second: f64::NAN,
        processor_ms: None,
        stages: stages.collect(),
        searches: searches::measure(&inspection.input.cloud, &subject.architecture.xyz, times.len()),
        gemm_peak_gflops: gemm,
        copy_peak_gb_per_s: copy,
        share_of_peak: operations as f64 / 1e6 / gemm / latency_ms.median,
        latency_ms,
        capture_to_score_ms: Spread::of(to_score_ms),
        peak_memory_mb: None,
        gpu: None,
    }
}

/// Gives an engine without mappings random ones: how long a frame takes does not depend on what they were learnt from.
pub fn with_mappings(mut engine: Engine) -> Engine {
    if !engine.is_fitted() {
        engine.weights.set_mappings(seeded::mappings(&engine.metadata.architecture, 0));
    }
    engine
}

/// Share of the frame's pixels that the part covers by default.
pub const VALID_SHARE: f64 = 0.3;

/// A rippled dome that covers `share` of the network frame, with no belt around it.
pub fn frame(share: f64) -> Result<RgbdFrame, FrameError> {
    let at = |p: usize| ((p % W) as f32 - W as f32 / 2.0, (p / W) as f32 - H as f32 / 2.0);
    let distance = |p: usize| at(p).0.hypot(at(p).1);
    let mut distances: Vec<f32> = (0..P).map(distance).collect();
    distances.sort_by(f32::total_cmp);
    // The radius is a little beyond the last pixel that belongs to the dome.
    let radius = distances[((share * P as f64) as usize).clamp(1, P) - 1] + 0.01;
    let point = |p: usize| {
        let ((x, y), height) = (at(p), 1.0 - distance(p) / radius);
        if height <= 0.0 { [0.0; 3] } else { [x * 5e-4, y * 5e-4, 0.4 - 0.02 * height + 5e-4 * (x * 0.4).sin()] }
    };
    let colour = |p: usize| [p % W, p / W, 255 - p % W].map(|v| v as u8);
    let cloud = OrganisedCloud::new(W, H, (0..P).map(point).collect())?;
    RgbdFrame::new(W, H, (0..P).flat_map(colour).collect(), cloud)
}

fn spread(times: &[StageTimes], of: impl Fn(&StageTimes) -> std::time::Duration) -> Spread {
    Spread::of(times.iter().map(|times| of(times).as_secs_f64() * 1e3).collect())
}
