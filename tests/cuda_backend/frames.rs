//! Frames through the back end equal the published method's and the CPU's within bounds; what it cannot use is an
//! error.

use crosscheck::backend::Evaluation;
use crosscheck::backend::cpu::CpuBackend;
use crosscheck::backend::cuda::{CudaBackend, CudaError};
use crosscheck::backend::{AnomalyMaps, Backend, Features, XyzGroups};
use crosscheck::model::{Architecture, PointMaeShape, Score, Variant, seeded};
use crosscheck::prepare::Stride;
use crosscheck::score;
use crosscheck::shapes::{P, RGB};

use crate::standin::{is_here, run_part};
use crate::support::clouds::{self, Point};
use crate::support::golden::Golden;
use crate::support::largest::largest;
use crate::support::small_engine::small_architecture;

/// The largest differences that are allowed with halves between the kernels, relative to the largest value of each.
pub struct Bounds {
    pub psi: f32,
    /// The bound of psi after its mean over the valid pixels is subtracted.
    pub centred: f32,
    pub map: f32,
    pub score: f32,
}

/// Twice the largest difference from float64 that was measured here: psi 6.6e-5, centred 2.5e-3, map 3.5e-5, score
/// 1.8e-5.
const GOLDEN: Bounds = Bounds { psi: 1.3e-4, centred: 5e-3, map: 7e-5, score: 3.6e-5 };
/// Twice the largest difference from the CPU in f32: psi 6.5e-4, centred 6.1e-3, map 2.4e-4, score 1.5e-4. With a dozen
/// channels instead of hundreds, the rounding to halves shows more.
pub const SMALL: Bounds = Bounds { psi: 1.3e-3, centred: 1.3e-2, map: 5e-4, score: 3e-4 };

/// The same for a likelihood: psi 1.8e-3, centred 4.1e-3, map 2.8e-4, score 2.6e-4.
const LIKELIHOOD: Bounds = Bounds { psi: 3.6e-3, centred: 8.2e-3, map: 5.6e-4, score: 5.2e-4 };
/// Of the same work by a graph.
const SAME: Bounds = Bounds { psi: 0.0, centred: 0.0, map: 0.0, score: 0.0 };

#[derive(Default)]
pub struct Results {
    pub tokens: Vec<f32>,
    pub groups: XyzGroups,
    pub maps: AnomalyMaps,
}

pub fn run(backend: &mut impl Backend, rgb: &[f32], cloud: &[Point]) -> Results {
    let mut results = Results::default();
    let Results { tokens, groups, maps } = &mut results;
    backend.rgb_tokens(rgb, tokens).unwrap();
    backend.xyz_groups(cloud, groups).unwrap();
    backend.anomaly_map(tokens, cloud, groups, maps).unwrap();
    results
}

pub fn near(what: &str, got: &[f32], want: &[f32], bound: f32) {
    let error = largest(got.iter().zip(want).map(|(g, w)| (g - w).abs()))
        / largest(want.iter().map(|v| v.abs())).max(f64::MIN_POSITIVE);
    println!("{what}: {error:.1e}");
    assert!(got.len() == want.len() && error <= f64::from(bound), "{what}: {error:e} above {bound:e}");
}

fn centred(map: &[f32], valid: &[bool]) -> Vec<f32> {
    let on: Vec<f32> = map.iter().zip(valid).filter(|(_, valid)| **valid).map(|(v, _)| *v).collect();
    let mean = on.iter().map(|v| f64::from(*v)).sum::<f64>() / on.len() as f64;
    on.iter().map(|v| (f64::from(*v) - mean) as f32).collect()
}

pub fn near_maps(name: &str, got: &AnomalyMaps, want: &AnomalyMaps, bounds: &Bounds) {
    assert!(got.valid == want.valid, "{name}: the valid pixels differ");
    for (what, got_map, want_map) in
        [("psi_rgb", &got.psi_rgb, &want.psi_rgb), ("psi_xyz", &got.psi_xyz, &want.psi_xyz)]
    {
        near(&format!("{name} {what}"), got_map, want_map, bounds.psi);
        let [got, want] = [got_map, want_map].map(|map| centred(map, &want.valid));
        near(&format!("{name} centred {what}"), &got, &want, bounds.centred);
    }
    near(&format!("{name} anomaly map"), &got.anomaly_map, &want.anomaly_map, bounds.map);
    let scores = [got, want].map(|maps| [score::maximum(&maps.anomaly_map)]);
    near(&format!("{name} score"), &scores[0], &scores[1], bounds.score);
}

/// The frame `name`, by the networks of the program's own kernels.
fn golden(name: &str, variant: Variant, group_size: usize) {
    if !is_here() {
        return;
    }
    let architecture = Architecture::published(variant, group_size);
    let weights = seeded::weights(&architecture, 7);
    let mut backend = CudaBackend::new(&architecture, weights, Evaluation::default()).unwrap();
    let golden = Golden::open(name);
    let cloud: Vec<Point> = golden.f32("xyz").as_chunks::<3>().0.to_vec();
    let image = golden.raw("rgb");
    let (mean, deviation) = ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]);
    let value = |c: usize, p: usize| (f32::from(image[p * RGB + c]) / 255.0 - mean[c]) / deviation[c];
    let rgb: Vec<f32> = (0..RGB).flat_map(|c| (0..P).map(move |p| (c, p))).map(|(c, p)| value(c, p)).collect();
    let got = run(&mut backend, &rgb, &cloud);
    assert!(got.groups.centre_index == golden.i32("fps_idx"), "{name}: the centres differ");
    let want = AnomalyMaps {
        psi_rgb: golden.f32("psi_rgb"),
        psi_xyz: golden.f32("psi_xyz"),
        anomaly_map: golden.f32("anomaly_map"),
        valid: golden.raw("valid").iter().map(|v| *v != 0).collect(),
    };
    near_maps(name, &got.maps, &want, &GOLDEN);
    near_range(name, &got.maps.anomaly_map, &want);
}

/// At most 1 % of the range that the map has over valid pixels.
fn near_range(name: &str, got: &[f32], want: &AnomalyMaps) {
    let valid = || want.anomaly_map.iter().zip(&want.valid).filter(|(_, valid)| **valid).map(|(v, _)| *v);
    let range = valid().fold(f32::MIN, f32::max) - valid().fold(f32::MAX, f32::min);
    let apart = got.iter().zip(&want.anomaly_map).map(|(got, want)| (got - want).abs());
    let error = apart.fold(0.0f32, |most, next| if next <= most { most } else { next }) / range;
    println!("{name}: {error:.1e} of the map's range");
    assert!(error <= 0.01, "{name}: {error:e} of the map's range");
}

#[test]
#[ignore = "a part of golden_frames_are_the_published_methods"]
fn golden_tiny() {
    golden("tiny-a", Variant::Tiny, 32);
}

#[test]
#[ignore = "a part of larger_golden_frames_are_the_published_methods"]
fn golden_small() {
    golden("small-a", Variant::Small, 32);
}

#[test]
#[ignore = "a part of larger_golden_frames_are_the_published_methods"]
fn golden_groups_of_128() {
    golden("small-g128-b", Variant::Small, 128);
}

#[test]
#[ignore = "a part of larger_golden_frames_are_the_published_methods"]
fn golden_full() {
    golden("full-a", Variant::Full, 32);
}

/// Runs the part `name`, whose networks have so many blocks.
fn check_golden(name: &str, blocks: usize) {
    let Some(run) = run_part(name, &[]) else { return };
    println!("{}", run.printed());
    run.check_clean();
    // Before the capture, and stage by stage.
    assert_eq!(run.number("launched attention"), 2 * 2 * blocks);
    assert_eq!(run.number("launched group_features"), 2);
    assert_eq!(run.number("launched farthest_points"), 2);
    assert_eq!(run.number("launched discrepancy"), 2 * 2);
}

#[test]
fn golden_frames_are_the_published_methods() {
    check_golden("frames::golden_tiny", 1);
}

#[test]
#[ignore = "takes minutes: the kernels run on the CPU"]
fn larger_golden_frames_are_the_published_methods() {
    check_golden("frames::golden_small", 4);
    check_golden("frames::golden_groups_of_128", 4);
    check_golden("frames::golden_full", 12);
}

/// A random image, `[3, H, W]`, in the range of normalised ones.
pub fn image() -> Vec<f32> {
    let mut random = fastrand::Rng::with_seed(5);
    (0..RGB * P).map(|_| random.f32() * 4.0 - 2.0).collect()
}

/// An architecture of odd or even sizes, with M below, between or above the numbers of channels.
pub fn small(hidden: usize, width: usize, groups: usize, group_size: usize) -> Architecture {
    let small = small_architecture(width, width + 4, hidden);
    Architecture { xyz: PointMaeShape { groups, group_size, ..small.xyz }, ..small }
}

#[test]
#[ignore = "a part of small_frames_are_the_cpus"]
fn small_frames() {
    if !is_here() {
        return;
    }
    let rgb = image();
    // The full cloud needs all blocks of the sampler; after it come clouds that need one.
    let sizes = [(16, 12, 24, 8), (15, 11, 33, 128), (23, 16, 40, 1)];
    for (case, (hidden, width, groups, group_size)) in sizes.into_iter().enumerate() {
        let architecture = small(hidden, width, groups, group_size);
        let weights = seeded::weights(&architecture, 3);
        let mut cpu = CpuBackend::new(&architecture, weights.clone());
        let mut cuda = CudaBackend::new(&architecture, weights, Evaluation::default()).unwrap();
        let mut frames = clouds::all();
        // Large clouds take seconds each: only one engine gets them, twice, with other clouds between.
        if case == 0 {
            frames.insert(0, ("all points", clouds::full()));
            frames.push(("all points again", clouds::full()));
        }
        for (name, cloud) in frames {
            let (got, want) = (run(&mut cuda, &rgb, &cloud), run(&mut cpu, &rgb, &cloud));
            let name = format!("M {hidden}, K {group_size}, {name}");
            assert_eq!(got.groups.centre_index, want.groups.centre_index, "{name}");
            assert_eq!(got.groups.centres, want.groups.centres, "{name}");
            near(&format!("{name} features"), &got.groups.features, &want.groups.features, 0.0);
            if clouds::points(&cloud).is_empty() {
                assert!(got.maps.anomaly_map.iter().all(|v| *v == 0.0) && !got.maps.valid.contains(&true), "{name}");
            } else {
                near_maps(&name, &got.maps, &want.maps, &SMALL);
            }
        }
    }
}

#[test]
fn small_frames_are_the_cpus() {
    let Some(run) = run_part("frames::small_frames", &[]) else { return };
    run.check_clean();
}

#[test]
#[ignore = "a part of at_every_second_pixel_frames_are_the_cpus"]
fn second_pixels() {
    if !is_here() {
        return;
    }
    let mut random = fastrand::Rng::with_seed(6);
    let rgb: Vec<f32> = (0..RGB * P).map(|_| random.f32() * 4.0 - 2.0).collect();
    let (architecture, evaluation) =
        (small(16, 12, 24, 8), Evaluation { stride: Stride::Two, ..Evaluation::default() });
    let weights = seeded::weights(&architecture, 3);
    let mut cpu = CpuBackend::with_evaluation(&architecture, weights.clone(), evaluation);
    let mut cuda = CudaBackend::new(&architecture, weights, evaluation).unwrap();
    for (name, cloud) in clouds::all().into_iter().filter(|(_, cloud)| !clouds::points(cloud).is_empty()) {
        let (got, want) = (run(&mut cuda, &rgb, &cloud), run(&mut cpu, &rgb, &cloud));
        near_maps(name, &got.maps, &want.maps, &SMALL);
    }
}

#[test]
fn at_every_second_pixel_frames_are_the_cpus() {
    let Some(run) = run_part("frames::second_pixels", &[]) else { return };
    println!("{}", run.printed());
    run.check_clean();
}

#[test]
#[ignore = "a part of frames_of_a_likelihood_are_the_cpus"]
fn likelihoods() {
    if !is_here() {
        return;
    }
    let rgb = image();
    // Odd numbers of channels, those of networks that run on the GPU, and more than the heads take at once.
    for ([c_rgb, c_xyz, hidden], stride) in [
        ([11, 15, 15], Stride::One),
        ([11, 15, 23], Stride::Two),
        ([16, 24, 16], Stride::One),
        ([16, 24, 16], Stride::Two),
        ([260, 272, 16], Stride::One),
    ] {
        let architecture = Architecture { score: Score::Likelihood, ..small_architecture(c_rgb, c_xyz, hidden) };
        let weights = seeded::weights(&architecture, 3);
        let evaluation = Evaluation { stride, ..Evaluation::default() };
        let mut cpu = CpuBackend::with_evaluation(&architecture, weights.clone(), evaluation);
        let mut cuda = CudaBackend::new(&architecture, weights, evaluation).unwrap();
        let (mut features, mut maps) = (Features::default(), AnomalyMaps::default());
        for (name, cloud) in clouds::all() {
            let want = run(&mut cpu, &rgb, &cloud);
            let got = run(&mut cuda, &rgb, &cloud);
            let name = format!("M {hidden}, C_RGB {c_rgb}, stride {}, {name}", stride.pixels());
            if clouds::points(&cloud).is_empty() {
                assert!(got.maps.anomaly_map.iter().all(|v| *v == 0.0) && !got.maps.valid.contains(&true), "{name}");
                continue;
            }
            near_maps(&name, &got.maps, &want.maps, &LIKELIHOOD);
            // As a station runs it: by one graph, where the networks are on the GPU.
            cuda.frame(&rgb, &cloud, &mut features, &mut maps).unwrap();
            near_maps(&format!("{name}, whole"), &maps, &got.maps, &SAME);
        }
    }
}

#[test]
fn frames_of_a_likelihood_are_the_cpus() {
    let Some(run) = run_part("frames::likelihoods", &[]) else { return };
    println!("{}", run.printed());
    run.check_clean();
    assert!(run.number("launched likelihood") > 0 && !run.reports("launched discrepancy"));
}

#[test]
#[ignore = "a part of what_cannot_be_used_is_an_error"]
fn refused() {
    if !is_here() {
        return;
    }
    let architecture = small(16, 12, 24, 8);
    let weights = seeded::weights(&architecture, 3);
    let plain = CudaBackend::new(&architecture, weights, Evaluation::default()).map(|_| ()).unwrap_err();
    println!("error: {plain}");
}

#[test]
#[ignore = "a part of every_driver_for_cuda_12_compiles_the_kernels"]
fn opened() {
    if !is_here() {
        return;
    }
    let architecture = small(16, 12, 24, 8);
    let weights = seeded::weights(&architecture, 3);
    CudaBackend::new(&architecture, weights, Evaluation::default()).unwrap();
}

#[test]
fn every_driver_for_cuda_12_compiles_the_kernels() {
    for driver in ["12000", "12020", "12040", "12060", "12080", "12090"] {
        let Some(run) = run_part("frames::opened", &[("STANDIN_DRIVER", driver)]) else { return };
        run.check_clean();
    }
}

#[test]
fn what_cannot_be_used_is_an_error() {
    for (environment, want) in [
        (("STANDIN_DRIVER", "11080"), "CUDA 11.8 where 12.0 or later is expected"),
        (("STANDIN_DEVICES", "0"), "finds no GPU"),
        (("STANDIN_CAPABILITY", "75"), "compute capability 7.5 where 8.0 or later is expected"),
        (("STANDIN_PROCESSORS", "3"), "cannot hold 4 blocks at once"),
        (("STANDIN_MEMORY_MB", "20"), "out of memory"),
    ] {
        let Some(run) = run_part("frames::refused", &[environment]) else { return };
        let printed = run.printed();
        assert!(run.output.status.success() && printed.contains(want), "{environment:?}: {printed}");
    }
}

#[test]
#[ignore = "a part of groups_of_too_many_points_are_an_error"]
fn large_groups() {
    if !is_here() {
        return;
    }
    let architecture = small(16, 12, 24, 129);
    let weights = seeded::weights(&architecture, 3);
    let made = CudaBackend::new(&architecture, weights, Evaluation::default());
    assert_eq!(made.err(), Some(CudaError::GroupSize { k: 129, k_max: 128 }));
}

#[test]
fn groups_of_too_many_points_are_an_error() {
    let Some(run) = run_part("frames::large_groups", &[]) else { return };
    run.check_clean();
}
