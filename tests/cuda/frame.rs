//! From a cloud, tokens and groups to the score, kernel after kernel, against the CPU back end.
//!
//! The products between the kernels, which a library computes on a GPU, are computed here and rounded to halves as there.

use crosscheck::backend::cpu::CpuBackend;
use crosscheck::backend::{AnomalyMaps, Backend, XyzGroups};
use crosscheck::model::{Architecture, PointMaeShape, VitShape, Weights, seeded};
use crosscheck::score;
use crosscheck::shapes::T;
use fastrand::Rng;

use crate::anomaly::{joined, maximum, smooth};
use crate::host::{Host, Schedule, host, in_every_schedule};
use crate::interpolate::{Pixels, Rows, list, some_centres};
use crate::mapping::{Observed, discrepancy, floats, halves, hidden_activations, wide};
use crate::support::clouds::{self, Point};
use crate::support::largest::largest;
use crate::support::reference::{self, Rows as Matrix, gelu, linear, rows, weight};
use crate::support::small_engine::small_architecture;

/// psi with halves between the kernels, of psi's largest: twice the largest error measured here, 1.4e-4.
const TOLERANCE_PSI: f32 = 3e-4;
/// The same of map and score, where errors of neighbours cancel: twice 3.5e-5.
const TOLERANCE_MAP: f32 = 7e-5;

struct Frame {
    cloud: Vec<Point>,
    tokens: Vec<f32>,
    groups: XyzGroups,
    weights: Weights,
    architecture: Architecture,
}

fn frame(seed: u64, hidden: usize) -> Frame {
    let mut random = Rng::with_seed(seed);
    let cloud = clouds::disc(25, seed);
    let centres = some_centres(&cloud, 64);
    let small = small_architecture(48, 36, hidden);
    let xyz = PointMaeShape { heads: 2, groups: centres.len(), group_size: 4, ..small.xyz };
    let architecture = Architecture { rgb: VitShape { heads: 2, ..small.rgb }, xyz, ..small };
    let mut features = |count| (0..count).map(|_| random.f32() * 2.0 - 1.0).collect::<Vec<f32>>();
    let (tokens, features) = (features(T * 48), features(centres.len() * 36));
    let groups = XyzGroups { features, centre_index: (0..centres.len()).collect(), centres };
    Frame { cloud, tokens, groups, weights: seeded::weights(&architecture, seed), architecture }
}

/// One side of the frame: its tokens or groups and what carries them to pixels.
struct Side<'a> {
    features: Matrix,
    rows: &'a Rows,
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Without its bias.
fn product_only(weights: &reference::Weights, name: &str, x: &Matrix) -> Matrix {
    let weight = weights[&format!("{name}.weight")].clone();
    linear(&reference::Weights::from([("layer.weight".to_string(), weight)]), "layer", x)
}

/// psi of every listed pixel. R and Q'b are taken as W and b themselves, which have the same norm.
fn psi(
    host: &Host,
    schedule: Schedule,
    weights: &reference::Weights,
    name: &str,
    from: &Side,
    to: &Side,
    count: usize,
) -> Vec<f32> {
    let layer = |leaf: &str| format!("{name}.{leaf}");
    let moved = halves(&product_only(weights, &layer("input"), &from.features));
    let first = hidden_activations(host, schedule, &moved, &weights[&layer("input.bias")], from.rows, count);
    let m = weights[&layer("input.bias")].len();
    let hidden = halves(&gelu(linear(weights, &layer("projection"), &wide(&first, m))));
    let outputs = linear(weights, &layer("output"), &wide(&hidden, m));
    let bias = weight(weights, &layer("output.bias"));
    let last = rows(&weights[&layer("output.weight")], m);
    let column = |j: usize| last.iter().map(|row| row[j]).collect::<Vec<f64>>();
    let columns: Matrix = (0..m).map(column).collect();
    let projected: Matrix = to.features.iter().map(|f| columns.iter().map(|c| dot(c, f)).collect()).collect();
    let gram: Matrix = to.features.iter().map(|a| to.features.iter().map(|b| dot(a, b)).collect()).collect();
    let given = Observed {
        hidden,
        squares: floats(outputs.iter().map(|row| dot(row, row))),
        projected: halves(&projected),
        offset: floats(to.features.iter().map(|f| dot(f, &bias))),
        gram: floats(gram.concat()),
        m,
        parts: 1,
        rest: 0.0,
    };
    discrepancy(host, schedule, &given, to.rows, count)
}

/// psi_rgb, psi_xyz and the anomaly map, and the score.
fn inspect(host: &Host, schedule: Schedule, frame: &Frame, room: usize) -> ([Vec<f32>; 3], f32) {
    let Pixels { places, count, rgb, xyz, .. } = list(host, schedule, &frame.cloud, &frame.groups.centres, room);
    let side = |features: &[f32], width, carried| Side {
        features: wide(&halves(&rows(features, width)), width),
        rows: carried,
    };
    let rgb = side(&frame.tokens, frame.architecture.c_rgb(), &rgb);
    let xyz = side(&frame.groups.features, frame.architecture.c_xyz(), &xyz);
    let count = count as usize;
    let weights = reference::named(&frame.weights);
    let psi_xyz = psi(host, schedule, &weights, "map_rgb_to_xyz", &rgb, &xyz, count);
    let psi_rgb = psi(host, schedule, &weights, "map_xyz_to_rgb", &xyz, &rgb, count);
    let [map_rgb, map_xyz, both] = joined(host, schedule, "product", [&psi_rgb, &psi_xyz], &places);
    let map = smooth(host, schedule, &both);
    let score = maximum(host, schedule, &map);
    ([map_rgb, map_xyz, map], score)
}

fn near(what: &str, got: &[f32], want: &[f32], bound: f32) {
    let error = largest(got.iter().zip(want).map(|(g, w)| (g - w).abs())) / largest(want.iter().map(|v| v.abs()));
    println!("{what}: {error:.1e}");
    assert!(got.len() == want.len() && error <= f64::from(bound), "{what}: {error:e} above {bound:e}");
}

#[test]
fn a_frame_scores_as_on_the_cpu() {
    let Some(host) = host() else { return };
    // M below, between and above C_XYZ = 36 and C_RGB = 48.
    for (seed, hidden) in [(1, 24), (2, 40), (3, 64)] {
        let frame = frame(seed, hidden);
        let mut want = AnomalyMaps::default();
        let mut backend = CpuBackend::new(&frame.architecture, frame.weights.clone());
        backend.anomaly_map(&frame.tokens, &frame.cloud, &frame.groups, &mut want).unwrap();
        let room = want.valid.iter().filter(|v| **v).count();
        let ([rgb, xyz, map], score) = in_every_schedule(|schedule| inspect(host, schedule, &frame, room));
        near("psi_rgb", &rgb, &want.psi_rgb, TOLERANCE_PSI);
        near("psi_xyz", &xyz, &want.psi_xyz, TOLERANCE_PSI);
        near("anomaly_map", &map, &want.anomaly_map, TOLERANCE_MAP);
        near("score", &[score], &[score::maximum(&want.anomaly_map)], TOLERANCE_MAP);
    }
}
