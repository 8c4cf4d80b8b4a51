//! The published method in float64 against the CPU back end, stage by stage (tests/golden/README.md).

mod common;

use common::Golden;
use crosscheck::backend::cpu::CpuBackend;
use crosscheck::backend::{AnomalyMaps, Backend, XyzGroups};
use crosscheck::model::{Architecture, Variant, seeded};
use crosscheck::score;
use crosscheck::shapes::P;

/// Largest difference over the largest magnitude expected.
fn error(got: &[f32], want: &[f32]) -> f32 {
    assert_eq!(got.len(), want.len());
    let largest = want.iter().fold(0.0f32, |m, v| m.max(v.abs()));
    got.iter().zip(want).map(|(g, w)| (g - w).abs()).fold(0.0, f32::max) / largest
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

fn check(name: &str, variant: Variant, group_size: usize) {
    let golden = Golden::open(name);
    let architecture = Architecture::published(variant, group_size);
    let mut backend = CpuBackend::new(&architecture, seeded::weights(&architecture, 7));
    let image = golden.raw("rgb");
    let (mean, deviation) = ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]);
    let rgb: Vec<f32> = (0..3)
        .flat_map(|c| (0..P).map(move |p| (p, c)))
        .map(|(p, c)| (f32::from(image[p * 3 + c]) / 255.0 - mean[c]) / deviation[c])
        .collect();
    let cloud: Vec<[f32; 3]> = golden.f32("xyz").as_chunks::<3>().0.to_vec();
    let (mut tokens, mut groups, mut maps) = (Vec::new(), XyzGroups::default(), AnomalyMaps::default());
    backend.rgb_tokens(&rgb, &mut tokens);
    backend.xyz_groups(&cloud, &mut groups);
    backend.anomaly_map(&tokens, &cloud, &groups, &mut maps);

    assert_eq!(groups.centre_index, golden.i32("fps_idx"));
    let near = |what: &str, got: &[f32], want: &[f32], bound: f32| {
        let e = error(got, want);
        println!("{name} {what}: {e:.2e}");
        assert!(e <= bound, "{name} {what}: {e:e} above {bound:e}");
    };
    near("rgb tokens", &rows(&tokens, &golden.i32("rgb_tokens.idx"), 784), &golden.f32("rgb_tokens"), 2e-4);
    near("xyz groups", &rows(&groups.features, &golden.i32("xyz_groups.idx"), 1024), &golden.f32("xyz_groups"), 2e-4);
    let valid = golden.raw("valid");
    assert!(maps.valid.iter().zip(&valid).all(|(got, want)| *got == (*want != 0)), "valid pixels differ");
    for (what, got) in [("psi_rgb", &maps.psi_rgb), ("psi_xyz", &maps.psi_xyz)] {
        near(what, got, &golden.f32(what), 2e-4);
        near("centred psi", &centred(got, &valid), &centred(&golden.f32(what), &valid), 2e-3);
    }
    near("anomaly map", &maps.anomaly_map, &golden.f32("anomaly_map"), 2e-4);
    near("score", &[score::maximum(&maps.anomaly_map)], &golden.f32("score_max"), 1e-4);
    near("reference score", &[score::reference(&maps.anomaly_map)], &golden.f32("score_reference"), 1e-4);
}

#[test]
fn tiny_a() {
    check("tiny-a", Variant::Tiny, 32);
}

#[test]
fn tiny_b() {
    check("tiny-b", Variant::Tiny, 32);
}

#[test]
fn small_a() {
    check("small-a", Variant::Small, 32);
}

#[test]
fn small_groups_of_128() {
    check("small-g128-b", Variant::Small, 128);
}

#[test]
fn medium_a() {
    check("medium-a", Variant::Medium, 32);
}

#[test]
fn full_a() {
    check("full-a", Variant::Full, 32);
}
