//! How fast an engine runs here: time per stage, operations per stage, and this machine's own ceiling.

pub mod line;
pub mod operations;

use std::time::{Duration, Instant};

use gemm::Parallelism;
use serde::Serialize;

use crate::backend::cpu::linalg::{View, product};
use crate::frame::{FrameError, OrganisedCloud, RgbdFrame};
use crate::inspect::{InspectError, Inspection, Inspector, StageTimes};
use crate::model::Architecture;
use crate::shapes::{H, P, W};

/// Side of the square products that find the ceiling: large enough to reach it, small enough to stay in cache.
const PEAK_SIDE: usize = 1536;
const PEAK_TIME: Duration = Duration::from_millis(1500);

/// What `crosscheck bench` prints.
#[derive(Debug, Serialize)]
pub struct Report {
    pub frames: usize,
    pub threads: usize,
    pub valid_pixels: usize,
    pub points: usize,
    /// From the median frame.
    pub frames_per_second: f64,
    pub latency_ms: Spread,
    pub stages: Vec<Stage>,
    /// f32 GEMM, measured in this run.
    pub gemm_peak_gflops: f64,
    /// Counted operations of the frame over its median time, as a share of the ceiling.
    pub share_of_peak: f64,
    /// Largest resident set of this process until the ceiling was measured; none where the system does not tell.
    pub peak_memory_mb: Option<f64>,
}

#[derive(Debug, Serialize)]
pub struct Spread {
    pub min: f64,
    pub median: f64,
    pub max: f64,
}

#[derive(Debug, Serialize)]
pub struct Stage {
    pub name: &'static str,
    pub median_ms: f64,
    pub gflop: f64,
    pub share_of_peak: f64,
}

/// Inspects `frame` once to warm up and then `frames` times.
pub fn run(
    inspector: &mut Inspector,
    architecture: &Architecture,
    frame: &RgbdFrame,
    frames: usize,
) -> Result<Report, InspectError> {
    let warm = inspector.inspect(frame)?;
    if let Some(reason) = warm.reason {
        return Err(InspectError::NotScored(reason));
    }
    let runs: Vec<Inspection> = (0..frames.max(1)).map(|_| inspector.inspect(frame)).collect::<Result<_, _>>()?;
    let times: Vec<StageTimes> = runs.iter().map(|run| run.times).collect();
    let peak_memory_mb = peak_memory_mb();
    let peak = gemm_peak_gflops();
    let (points, valid_pixels) = (warm.input.points(), warm.valid_pixels());
    let counted = operations::per_stage(architecture, points, valid_pixels);
    let latency_ms = spread(times.iter().map(StageTimes::total));
    let share = |gflop: f64, ms: f64| gflop / (ms / 1e3) / peak;
    let stages = (0..counted.len()).map(|stage| {
        let (name, _) = times[0].stages()[stage];
        let median_ms = spread(times.iter().map(|t| t.stages()[stage].1)).median;
        let gflop = counted[stage] as f64 / 1e9;
        Stage { name, median_ms, gflop, share_of_peak: share(gflop, median_ms) }
    });
    Ok(Report {
        frames: times.len(),
        threads: rayon::current_num_threads(),
        valid_pixels,
        points,
        frames_per_second: 1e3 / latency_ms.median,
        share_of_peak: share(counted.iter().sum::<u64>() as f64 / 1e9, latency_ms.median),
        latency_ms,
        stages: stages.collect(),
        gemm_peak_gflops: peak,
        peak_memory_mb,
    })
}

/// A rippled dome that covers 30 % of the network frame, with no belt around it.
pub fn frame() -> Result<RgbdFrame, FrameError> {
    let radius = (0.3 * P as f32 / std::f32::consts::PI).sqrt();
    let at = |p: usize| ((p % W) as f32 - W as f32 / 2.0, (p / W) as f32 - H as f32 / 2.0);
    let point = |p: usize| {
        let (x, y) = at(p);
        let height = 1.0 - x.hypot(y) / radius;
        if height <= 0.0 { [0.0; 3] } else { [x * 5e-4, y * 5e-4, 0.4 - 0.02 * height + 5e-4 * (x * 0.4).sin()] }
    };
    let colour = |p: usize| [p % W, p / W, 255 - p % W].map(|v| v as u8);
    let cloud = OrganisedCloud::new(W, H, (0..P).map(point).collect())?;
    RgbdFrame::new(W, H, (0..P).flat_map(colour).collect(), cloud)
}

fn spread(times: impl Iterator<Item = Duration>) -> Spread {
    let mut ms: Vec<f64> = times.map(|t| t.as_secs_f64() * 1e3).collect();
    ms.sort_by(f64::total_cmp);
    Spread { min: ms[0], median: ms[ms.len() / 2], max: ms[ms.len() - 1] }
}

/// The best of square f32 products on every core, 10^9 operations a second.
fn gemm_peak_gflops() -> f64 {
    let n = PEAK_SIDE;
    let (a, b) = (vec![1.0; n * n], vec![0.5; n * n]);
    let mut out = vec![0.0; n * n];
    let (start, mut best) = (Instant::now(), f64::MAX);
    while start.elapsed() < PEAK_TIME {
        let one = Instant::now();
        let (a, b) = (View::dense(&a, n, n), View::dense(&b, n, n));
        product(a, b.t(), 1.0, false, &mut out, n, Parallelism::Rayon(0));
        best = best.min(one.elapsed().as_secs_f64());
    }
    2.0 * (n as f64).powi(3) / best / 1e9
}

/// Largest resident set of this process so far (VmHWM), 10^6 bytes; none where the system does not tell.
pub fn peak_memory_mb() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: f64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024.0 / 1e6)
}
