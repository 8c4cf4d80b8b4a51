//! Both networks by the program's own kernels: small ones against the CPU's, in the range of halves and beyond.

use crosscheck::backend::cpu::CpuBackend;
use crosscheck::backend::cuda::CudaBackend;
use crosscheck::backend::{AnomalyMaps, Backend, Evaluation, Features, Machine, XyzGroups};
use crosscheck::model::{Architecture, PointMaeShape, Score, VitShape, Weights, seeded};

use crate::frames::{Bounds, image, near, near_maps, run};
use crate::standin::{is_here, run_part};
use crate::support::clouds;

/// About twice the largest errors measured here against the CPU in f32: tokens and features 1.0e-3, psi 2.9e-4, centred
/// 2.1e-3, map 1.5e-4, score 5.4e-5.
const FEATURES: f32 = 2e-3;
const BOUNDS: Bounds = Bounds { psi: 6e-4, centred: 4.2e-3, map: 3e-4, score: 1.1e-4 };

/// Sizes that are padded everywhere: groups, units, hidden units and channels of the heads.
fn architecture() -> Architecture {
    let rgb = VitShape { width: 32, heads: 2, mlp: 20, layers: 2 };
    let xyz = PointMaeShape {
        width: 24,
        heads: 3,
        mlp: 36,
        layers: 3,
        taps: vec![0, 2],
        groups: 70,
        group_size: 20,
        encoder: [12, 20, 140],
        position_hidden: 12,
    };
    Architecture { rgb, xyz, hidden: 16, score: Score::Product }
}

/// A clean run of the part `name`, in which the networks ran on the GPU or did not.
fn check(name: &str, on_gpu: bool) {
    let Some(run) = run_part(name, &[]) else { return };
    println!("{}", run.printed());
    run.check_clean();
    assert_eq!(run.reports("launched attention"), on_gpu);
}

#[test]
#[ignore = "a part of small_networks_are_the_cpus"]
fn small() {
    if !is_here() {
        return;
    }
    let architecture = architecture();
    let weights = seeded::weights(&architecture, 3);
    let (mut cpu, rgb) = (CpuBackend::new(&architecture, weights.clone()), image());
    let mut describer = Machine::Cuda.describer(&architecture, weights.clone()).unwrap();
    let mut cuda = CudaBackend::new(&architecture, weights, Evaluation::default()).unwrap();
    let (mut features, mut maps) = (Features::default(), AnomalyMaps::default());
    let (mut tokens, mut groups) = (Vec::new(), XyzGroups::default());
    for (name, cloud) in clouds::all() {
        let (got, want) = (run(&mut cuda, &rgb, &cloud), run(&mut cpu, &rgb, &cloud));
        near(&format!("{name} tokens"), &got.tokens, &want.tokens, FEATURES);
        near(&format!("{name} features"), &got.groups.features, &want.groups.features, FEATURES);
        describer.rgb_tokens(&rgb, &mut tokens).unwrap();
        describer.xyz_groups(&cloud, &mut groups).unwrap();
        assert!(tokens == got.tokens && groups.features == got.groups.features, "{name}: described otherwise to learn");
        cuda.frame(&rgb, &cloud, &mut features, &mut maps).unwrap();
        assert!(maps.anomaly_map == got.maps.anomaly_map, "{name}: another map from a graph than stage by stage");
        if !clouds::points(&cloud).is_empty() {
            near_maps(name, &got.maps, &want.maps, &BOUNDS);
        }
    }
}

#[test]
fn small_networks_are_the_cpus() {
    check("kernel_networks::small", true);
}

/// Channels of both streams as large as in published networks, where some reach thousands.
fn with_massive_channels(weights: &mut Weights) {
    let (c_rgb, c_xyz) = (architecture().rgb.width, architecture().xyz.width);
    let positions = weights.tensor_mut("rgb.pos_embed").f32_mut();
    positions.iter_mut().skip(3).step_by(c_rgb).for_each(|v| *v = 5000.0);
    let bias = weights.tensor_mut("xyz.encoder.second_conv.3.bias").f32_mut();
    bias[c_xyz / 2] = -3000.0;
}

#[test]
#[ignore = "a part of massive_channels_stay_in_f32"]
fn massive() {
    if !is_here() {
        return;
    }
    let architecture = architecture();
    let mut weights = seeded::weights(&architecture, 3);
    with_massive_channels(&mut weights);
    let (mut cpu, rgb, cloud) = (CpuBackend::new(&architecture, weights.clone()), image(), clouds::disc(40, 2));
    let mut cuda = CudaBackend::new(&architecture, weights, Evaluation::default()).unwrap();
    let (got, want) = (run(&mut cuda, &rgb, &cloud), run(&mut cpu, &rgb, &cloud));
    near("tokens", &got.tokens, &want.tokens, FEATURES);
    near("features", &got.groups.features, &want.groups.features, FEATURES);
}

#[test]
fn massive_channels_stay_in_f32() {
    check("kernel_networks::massive", true);
}

#[test]
#[ignore = "a part of networks_beyond_halves_run_on_the_cpu"]
fn beyond() {
    if !is_here() {
        return;
    }
    let architecture = architecture();
    let mut weights = seeded::weights(&architecture, 3);
    let weight = weights.tensor_mut("xyz.blocks.blocks.1.mlp.fc1.weight").f32_mut();
    weight.iter_mut().for_each(|w| *w *= 1e5);
    let (mut cpu, rgb, cloud) = (CpuBackend::new(&architecture, weights.clone()), image(), clouds::disc(40, 2));
    let mut cuda = CudaBackend::new(&architecture, weights, Evaluation::default()).unwrap();
    let (got, want) = (run(&mut cuda, &rgb, &cloud), run(&mut cpu, &rgb, &cloud));
    // Not by rounding alone.
    near("tokens", &got.tokens, &want.tokens, 0.0);
    near("features", &got.groups.features, &want.groups.features, 0.0);
}

#[test]
fn networks_beyond_halves_run_on_the_cpu() {
    check("kernel_networks::beyond", false);
}
