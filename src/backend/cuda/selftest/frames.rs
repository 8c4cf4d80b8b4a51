//! Compares whole frames: a small engine's with the CPU back end's, and golden ones with the published method's
//! results.

use super::compare::{CPU, apart, architecture, beside_floors, differ, equal, near};
use crate::backend::Evaluation;
use crate::backend::count::{self, Chip, Launch, Scene};
use crate::backend::cpu::CpuBackend;
use crate::backend::cuda::CudaBackend;
use crate::backend::selftest::{Check, Golden, KernelTime};
use crate::backend::{AnomalyMaps, Backend, BackendError, Features, XyzGroups};
use crate::frame::is_point;
use crate::model::{Architecture, Score, seeded};
use crate::prepare::Stride;
use crate::score;
use crate::shapes::{H, P, RGB, W};

const MAPPING: &str = "mapping, products";
const NETWORKS: &str = "patches, norm, attention, group_encoder, products";
const ALL: &str = "grouping, patches, norm, attention, group_encoder, interpolate, products, mapping, anomaly";

/// The largest differences of psi, the anomaly map and the score that are allowed, relative to the largest value of
/// each. They are about twice those on the stand-in driver of the tests.
pub struct Bounds {
    pub psi: f64,
    pub map: f64,
    pub score: f64,
}

/// For engines of hundreds of channels, compared with float64.
const GOLDEN: Bounds = Bounds { psi: 1.3e-4, map: 7e-5, score: 3.6e-5 };
/// For an engine of a dozen channels, in which rounding to halves shows more, compared with f32.
const SMALL: Bounds = Bounds { psi: 1.3e-3, map: 5e-4, score: 3e-4 };

/// The same for an engine that is scored by a likelihood.
const LIKELIHOOD: Bounds = Bounds { psi: 3.6e-3, map: 5.6e-4, score: 5.2e-4 };

/// The largest difference of the networks' features, relative to the largest value: twice that on the stand-in driver.
const FEATURES: f64 = 2e-3;

/// The graph of a frame is captured when the back end is opened. The second frame shows that the first leaves nothing.
const WHOLE_FRAMES: usize = 2;

fn infer(backend: &mut dyn Backend, rgb: &[f32], cloud: &[[f32; 3]]) -> Result<(XyzGroups, AnomalyMaps), BackendError> {
    let (mut tokens, mut groups, mut maps) = (Vec::new(), XyzGroups::default(), AnomalyMaps::default());
    backend.rgb_tokens(rgb, &mut tokens)?;
    backend.xyz_groups(cloud, &mut groups)?;
    backend.anomaly_map(&tokens, cloud, &groups, &mut maps)?;
    Ok((groups, maps))
}

fn compare(
    name: &str,
    twin: &'static str,
    (groups, maps): &(XyzGroups, AnomalyMaps),
    (centre_index, want): (&[usize], &AnomalyMaps),
    bounds: &Bounds,
    checks: &mut Vec<Check>,
) {
    let mut add = |what: &str, kernels: &str, error, bound| {
        checks.push(Check { what: format!("{what} of {name}"), kernels: kernels.into(), twin, error, bound });
    };
    add("centres", "farthest_points", differ(&groups.centre_index, centre_index), 0.0);
    add("valid pixels", "valid_pixels", differ(&maps.valid, &want.valid), 0.0);
    add("psi_rgb", MAPPING, apart(&maps.psi_rgb, &want.psi_rgb), bounds.psi);
    add("psi_xyz", MAPPING, apart(&maps.psi_xyz, &want.psi_xyz), bounds.psi);
    add("anomaly map", ALL, apart(&maps.anomaly_map, &want.anomaly_map), bounds.map);
    let scores = [maps, want].map(|maps| [score::maximum(&maps.anomaly_map)]);
    add("score", ALL, apart(&scores[0], &scores[1]), bounds.score);
}

/// Compares engines of odd sizes, whose networks run on the CPU, and ones whose networks run on the GPU, with both scores.
pub fn small(checks: &mut Vec<Check>) -> Result<(), BackendError> {
    for (name, [c_rgb, c_xyz, hidden]) in [("odd sizes", [11, 15, 13]), ("networks on the GPU", [16, 24, 16])] {
        for (score, bounds) in [(Score::Product, &SMALL), (Score::Likelihood, &LIKELIHOOD)] {
            let architecture = Architecture { score, ..architecture(c_rgb, c_xyz, hidden) };
            of_sizes(&format!("{name}, {}", score.name()), &architecture, bounds, checks)?;
        }
    }
    Ok(())
}

/// Compares an engine at both strides.
fn of_sizes(
    engine: &str,
    architecture: &Architecture,
    bounds: &Bounds,
    checks: &mut Vec<Check>,
) -> Result<(), BackendError> {
    let weights = seeded::weights(architecture, 3);
    for (stride, name) in [(Stride::One, engine.to_owned()), (Stride::Two, format!("{engine}, stride 2"))] {
        let evaluation = Evaluation { stride, ..Evaluation::default() };
        let cuda = CudaBackend::new(architecture, weights.clone(), evaluation)?;
        let cpu = CpuBackend::with_evaluation(architecture, weights.clone(), evaluation);
        small_frames(cuda, cpu, (&name, bounds), checks)?;
    }
    Ok(())
}

/// Compares both on two clouds, the larger one first.
fn small_frames(
    mut cuda: CudaBackend,
    mut cpu: CpuBackend,
    (engine, bounds): (&str, &Bounds),
    checks: &mut Vec<Check>,
) -> Result<(), BackendError> {
    let mut random = fastrand::Rng::with_seed(5);
    let rgb: Vec<f32> = (0..RGB * P).map(|_| random.f32() * 4.0 - 2.0).collect();
    for (name, side) in [("a wide part", 130), ("a small part", 50)] {
        let inside = |p: usize| (20..20 + side).contains(&(p / W)) && (30..30 + side).contains(&(p % W));
        let point = |p: usize| [(p % W) as f32, (p / W) as f32, 900.0].map(|v| v * 5e-4 + 1e-5 * random.f32());
        let mut cloud: Vec<[f32; 3]> = (0..P).map(point).collect();
        (0..P).filter(|&p| !inside(p)).for_each(|p| cloud[p] = [0.0; 3]);
        let (got, want) = (infer(&mut cuda, &rgb, &cloud)?, infer(&mut cpu, &rgb, &cloud)?);
        let name = format!("{name}, {engine}");
        compare(&name, CPU, &got, (&want.0.centre_index, &want.1), bounds, checks);
        let error = apart(&got.0.features, &want.0.features);
        checks.push(near(format!("features of {name}"), NETWORKS, error, FEATURES));
    }
    Ok(())
}

/// Compares the results of a back end with those of a golden frame, within `bounds`.
pub fn hold(
    backend: &mut dyn Backend,
    frame: &Golden,
    name: &str,
    bounds: &Bounds,
    checks: &mut Vec<Check>,
) -> Result<(), BackendError> {
    let got = infer(backend, &frame.rgb, &frame.cloud)?;
    compare(name, "float64", &got, (&frame.centre_index, &frame.maps), bounds, checks);
    // As a station runs frames: without tokens on the host, by one graph.
    let (mut features, mut maps) = (Features::default(), AnomalyMaps::default());
    for _ in 0..WHOLE_FRAMES {
        backend.frame(&frame.rgb, &frame.cloud, &mut features, &mut maps)?;
    }
    let name = format!("{name}, whole");
    compare(&name, "float64", &(got.0, maps), (&frame.centre_index, &frame.maps), bounds, checks);
    Ok(())
}

/// Compares a golden frame, and then times its kernels over `repeats` frames; the runs before them are the warm-up. The
/// launches must be the counted ones.
pub fn golden(
    frame: &Golden,
    repeats: usize,
    chip: Option<&Chip>,
    checks: &mut Vec<Check>,
    times: &mut Vec<KernelTime>,
) -> Result<(), BackendError> {
    let weights = seeded::weights(&frame.architecture, frame.weight_seed);
    let mut cuda = CudaBackend::new(&frame.architecture, weights, Evaluation::default())?;
    hold(&mut cuda, frame, &frame.name, &GOLDEN, checks)?;
    let counted = launches(frame, cuda.kernels().processors);
    cuda.kernels().time();
    let (mut features, mut maps) = (Features::default(), AnomalyMaps::default());
    for _ in 0..repeats {
        cuda.frame(&frame.rgb, &frame.cloud, &mut features, &mut maps)?;
    }
    let timed = cuda.kernels().times_us()?;
    let of = |kernel: &str| repeats * counted.iter().filter(|launch| launch.kernel == kernel).count();
    let total: usize = timed.iter().map(|(_, times)| times.len()).sum();
    let other = timed.iter().filter(|(kernel, times)| times.len() != of(kernel)).count();
    let wrong = other + total.abs_diff(repeats * counted.len());
    checks.push(equal(format!("launches of {}, as counted", frame.name), "all of a frame", wrong as f64));
    times.extend(beside_floors(timed, &counted, chip));
    Ok(())
}

/// The counted launches of a golden frame, whose preparation is not timed.
fn launches(frame: &Golden, multiprocessors: usize) -> Vec<Launch> {
    let points = frame.cloud.iter().filter(|point| is_point(point)).count();
    let scene = Scene { camera: (W, H), valid_share: points as f64 / P as f64, stride: Stride::One };
    let counted = count::frame(&frame.architecture, &scene, multiprocessors);
    let counted = counted.unwrap_or_else(|size| unreachable!("a golden frame of published sizes: {size}"));
    let inspection = counted.phases.iter().filter(|phase| !phase.prepares);
    inspection.flat_map(|phase| phase.launches().map(|(_, launch)| launch.clone())).collect()
}
