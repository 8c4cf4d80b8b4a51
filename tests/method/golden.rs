//! The published method in float64 against the CPU back end, stage by stage (tests/golden/README.md).

use crosscheck::backend::cpu::CpuBackend;
use crosscheck::backend::{AnomalyMaps, Arithmetic, Backend, Describe, Evaluation, XyzGroups};
use crosscheck::model::engine_file::{Engine, Geometry, Metadata, Source, Storage};
use crosscheck::model::{Architecture, Tensor, Variant, Weights, seeded};
use crosscheck::prepare::{Preparation, Stride};
use crosscheck::score;
use crosscheck::shapes::{P, T};

use crate::support::golden::Golden;
use crate::support::largest::largest;
use crate::support::reference;

/// The seed that the golden files were made with.
const SEED: u64 = 7;

/// How far the results may be from float64's, of the tensor's largest magnitude.
struct Bounds {
    features: f32,
    psi: f32,
    /// Of psi without its mean over valid pixels.
    centred: f32,
    map: f32,
    score: f32,
}

/// Weights as they are: f32 arithmetic (tests/golden/README.md). Centred psi is some hundredths of psi, so rounding is a
/// larger part of it.
const EXACT: Bounds = Bounds { features: 2e-4, psi: 2e-4, centred: 2e-3, map: 2e-4, score: 1e-4 };
/// Weights stored as f16, arithmetic still f32: twice the largest error measured over the six files, which was
/// features 5.2e-4 (full-a), psi 4.5e-5 (tiny-b), centred 1.3e-3 (small-g128-b), map 2.8e-5 (tiny-b),
/// score 1.2e-5 (small-a).
const HALVED: Bounds = Bounds { features: 1.1e-3, psi: 9e-5, centred: 2.6e-3, map: 5.5e-5, score: 2.4e-5 };

/// Largest difference over the largest magnitude expected.
fn error(got: &[f32], want: &[f32]) -> f64 {
    assert_eq!(got.len(), want.len());
    largest(got.iter().zip(want).map(|(g, w)| (g - w).abs())) / largest(want.iter().map(|v| v.abs()))
}

fn near(what: &str, got: &[f32], want: &[f32], bound: f32) {
    let (e, bound) = (error(got, want), f64::from(bound));
    println!("{what}: {e:.2e}");
    assert!(e <= bound, "{what}: {e:e} above {bound:e}");
}

fn rows(x: &[f32], indices: &[usize], count: usize) -> Vec<f32> {
    let c = x.len() / count;
    indices.iter().flat_map(|&i| x[i * c..][..c].to_vec()).collect()
}

fn centred(map: &[f32], valid: &[u8]) -> Vec<f32> {
    let on: Vec<f32> = map.iter().zip(valid).filter(|(_, v)| **v != 0).map(|(m, _)| *m).collect();
    let mean = on.iter().map(|v| f64::from(*v)).sum::<f64>() / on.len() as f64;
    on.iter().map(|v| (f64::from(*v) - mean) as f32).collect()
}

/// The colour image as the network takes it.
fn normalised(image: &[u8]) -> Vec<f32> {
    let (mean, deviation) = ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]);
    (0..3)
        .flat_map(|c| (0..P).map(move |p| (p, c)))
        .map(|(p, c)| (f32::from(image[p * 3 + c]) / 255.0 - mean[c]) / deviation[c])
        .collect()
}

/// Everything that a back end makes of a golden frame.
fn infer(golden: &Golden, mut backend: CpuBackend) -> (Vec<f32>, XyzGroups, AnomalyMaps) {
    let cloud: Vec<[f32; 3]> = golden.f32("xyz").as_chunks::<3>().0.to_vec();
    let (mut tokens, mut groups, mut maps) = (Vec::new(), XyzGroups::default(), AnomalyMaps::default());
    backend.rgb_tokens(&normalised(&golden.raw("rgb")), &mut tokens).unwrap();
    backend.xyz_groups(&cloud, &mut groups).unwrap();
    backend.anomaly_map(&tokens, &cloud, &groups, &mut maps).unwrap();
    (tokens, groups, maps)
}

fn check(name: &str, golden: &Golden, architecture: &Architecture, weights: Weights, bounds: &Bounds) {
    let cloud: Vec<[f32; 3]> = golden.f32("xyz").as_chunks::<3>().0.to_vec();
    let (tokens, groups, maps) = infer(golden, CpuBackend::new(architecture, weights));
    assert_eq!(groups.centre_index, golden.i32("fps_idx"));
    let near = |what: &str, got: &[f32], want: &str, bound| {
        near(&format!("{name} {what}"), got, &golden.f32(want), bound);
    };
    let (some_tokens, some_groups) = (golden.i32("rgb_tokens.idx"), golden.i32("xyz_groups.idx"));
    near("rgb tokens", &rows(&tokens, &some_tokens, T), "rgb_tokens", bounds.features);
    near("xyz groups", &rows(&groups.features, &some_groups, groups.centres.len()), "xyz_groups", bounds.features);
    let (e_rgb, e_xyz) = pixel_features(&tokens, &groups, &cloud, architecture, &golden.i32("pixels.idx"));
    near("e_rgb", &e_rgb, "e_rgb", bounds.features);
    near("e_xyz", &e_xyz, "e_xyz", bounds.features);
    check_maps(name, golden, &maps, bounds);
}

/// The back end never makes a pixel's features: they are interpolated here as the paper has it.
fn pixel_features(
    tokens: &[f32],
    groups: &XyzGroups,
    cloud: &[[f32; 3]],
    architecture: &Architecture,
    pixels: &[usize],
) -> (Vec<f32>, Vec<f32>) {
    let tokens = reference::rows(tokens, architecture.c_rgb());
    let features = reference::rows(&groups.features, architecture.c_xyz());
    let of_rgb = |&p: &usize| reference::pixels::rgb_feature(&tokens, p);
    let of_xyz = |&p: &usize| reference::pixels::xyz_feature(&features, &groups.centres, cloud, p);
    let narrow = |rows: Vec<f64>| rows.into_iter().map(|v| v as f32).collect();
    (narrow(pixels.iter().flat_map(of_rgb).collect()), narrow(pixels.iter().flat_map(of_xyz).collect()))
}

fn check_maps(name: &str, golden: &Golden, maps: &AnomalyMaps, bounds: &Bounds) {
    let near = |what: &str, got: &[f32], want: &[f32], bound| near(&format!("{name} {what}"), got, want, bound);
    let valid = golden.raw("valid");
    assert!(maps.valid.iter().zip(&valid).all(|(got, want)| *got == (*want != 0)), "valid pixels differ");
    for (what, got) in [("psi_rgb", &maps.psi_rgb), ("psi_xyz", &maps.psi_xyz)] {
        near(what, got, &golden.f32(what), bounds.psi);
        near(&format!("centred {what}"), &centred(got, &valid), &centred(&golden.f32(what), &valid), bounds.centred);
    }
    near("anomaly map", &maps.anomaly_map, &golden.f32("anomaly_map"), bounds.map);
    near("score", &[score::maximum(&maps.anomaly_map)], &golden.f32("score_max"), bounds.score);
    near("reference score", &[score::reference(&maps.anomaly_map)], &golden.f32("score_reference"), bounds.score);
}

/// The weights as an engine file of `precision` gives them back.
fn stored(variant: Variant, architecture: &Architecture, weights: Weights, precision: Storage) -> Weights {
    let metadata = Metadata {
        variant,
        architecture: architecture.clone(),
        precision,
        preparation: Preparation::default(),
        standardise: false,
        geometry: Geometry::Metres,
        usual: None,
        gaps: None,
        balance: None,
        calibration: None,
        fitted_on: Vec::new(),
        provenance: vec![Source::Seed(SEED)],
    };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("engine.safetensors");
    Engine { metadata, weights, content_sha256: String::new() }.write(&path).unwrap();
    Engine::read(&path).unwrap().weights
}

/// With the weights as they are.
fn check_exact(name: &str, variant: Variant, group_size: usize) {
    let architecture = Architecture::published(variant, group_size);
    check(name, &Golden::open(name), &architecture, seeded::weights(&architecture, SEED), &EXACT);
}

/// With the weights as an engine file of halves keeps them.
fn check_halved(name: &str, variant: Variant, group_size: usize) {
    let golden = Golden::open(name);
    let architecture = Architecture::published(variant, group_size);
    let weights = seeded::weights(&architecture, SEED);
    let halved = stored(variant, &architecture, weights.clone(), Storage::F16);
    assert!(halved.iter().any(|(_, tensor)| matches!(tensor, Tensor::F16(_))), "{name}: the engine file kept f32");
    check(&format!("{name} stored as f16,"), &golden, &architecture, halved, &HALVED);
}

fn check_both(name: &str, variant: Variant, group_size: usize) {
    check_exact(name, variant, group_size);
    check_halved(name, variant, group_size);
}

/// The anomaly map in another arithmetic or stride: its error against float64's, of the map's range over valid pixels.
fn map_error(name: &str, variant: Variant, options: Evaluation) -> f64 {
    let golden = Golden::open(name);
    let architecture = Architecture::published(variant, 32);
    let weights = seeded::weights(&architecture, SEED);
    let (_, _, maps) = infer(&golden, CpuBackend::with_evaluation(&architecture, weights, options));
    let (want, valid) = (golden.f32("anomaly_map"), golden.raw("valid"));
    let of_valid = want.iter().zip(&valid).filter(|(_, valid)| **valid != 0).map(|(v, _)| *v);
    let (low, high) = of_valid.fold((f32::INFINITY, 0.0f32), |(low, high), v| (low.min(v), high.max(v)));
    let error = largest(maps.anomaly_map.iter().zip(&want).map(|(g, w)| (g - w).abs())) / f64::from(high - low);
    println!("{name}, {options:?}: {error:.2e} of the map's range");
    error
}

/// As this processor has it: its own instructions, or rounded operands. At most 1 % of the map's range.
fn check_reduced(name: &str, variant: Variant, arithmetic: Arithmetic) {
    let options = Evaluation { arithmetic, ..Evaluation::default() };
    println!("{} on {}", arithmetic.name(), options.instruction_set());
    let error = map_error(name, variant, options);
    assert!(error <= 0.01, "{name}: {error:e}");
    assert!(error > 1e-5, "{name}: {error:e} is f32's: nothing was rounded");
}

#[test]
fn tiny_in_bf16() {
    check_reduced("tiny-a", Variant::Tiny, Arithmetic::Bf16);
}

#[test]
fn tiny_in_f16() {
    check_reduced("tiny-a", Variant::Tiny, Arithmetic::F16);
}

#[test]
fn tiny_in_int8() {
    check_reduced("tiny-a", Variant::Tiny, Arithmetic::Int8);
}

#[test]
fn small_in_less_than_f32() {
    for arithmetic in [Arithmetic::Bf16, Arithmetic::F16, Arithmetic::Int8] {
        check_reduced("small-a", Variant::Small, arithmetic);
    }
}

/// Every second pixel, of seeded weights, whose psi is rough.
#[test]
fn every_second_pixel_stays_near() {
    let error = map_error("tiny-a", Variant::Tiny, Evaluation { stride: Stride::Two, ..Evaluation::default() });
    assert!((1e-5..0.01).contains(&error), "{error:e}");
}

#[test]
fn tiny_a() {
    check_exact("tiny-a", Variant::Tiny, 32);
}

#[test]
fn tiny_a_of_halves() {
    check_halved("tiny-a", Variant::Tiny, 32);
}

#[test]
fn tiny_b() {
    check_both("tiny-b", Variant::Tiny, 32);
}

#[test]
fn small_a() {
    check_both("small-a", Variant::Small, 32);
}

#[test]
fn small_groups_of_128() {
    check_both("small-g128-b", Variant::Small, 128);
}

#[test]
fn medium_a() {
    check_both("medium-a", Variant::Medium, 32);
}

#[test]
fn full_a() {
    check_both("full-a", Variant::Full, 32);
}
