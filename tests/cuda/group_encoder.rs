//! `group_encoder.cu` against the folded encoder's formulas in f64.

use fastrand::Rng;
use half::f16;

use crate::host::{Grid, Host, Schedule, grid, host, in_every_schedule, input, int, one_each, output};
use crate::mapping::{halves, wide};
use crate::support::reference::{self, Rows as Matrix, column_maximum, gelu};

const MAXIMA_ROWS: usize = 128;
const ROWS: usize = 64;
const COLUMNS: usize = 384;

/// A layer's weights and biases, both as the kernels have them.
struct Layer {
    weight: Matrix,
    bias: Vec<f32>,
}

impl Layer {
    fn random(to: usize, from: usize, random: &mut Rng) -> Self {
        let mut value = || (f64::from(random.f32()) * 2.0 - 1.0) * (3.0 / from as f64).sqrt();
        let weight = (0..to).map(|_| (0..from).map(|_| value()).collect()).collect();
        let bias = (0..to).map(|_| value() as f32).collect();
        Self { weight: wide(&halves(&weight), from), bias }
    }

    /// Without the bias.
    fn product(&self, x: &Matrix) -> Matrix {
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        x.iter().map(|x| self.weight.iter().map(|w| dot(w, x)).collect()).collect()
    }

    fn run(&self, x: &Matrix) -> Matrix {
        let add = |row: Vec<f64>| row.into_iter().zip(&self.bias).map(|(v, b)| v + f64::from(*b)).collect();
        self.product(x).into_iter().map(add).collect()
    }

    /// x, y, z and shift of each unit, `[to, 4]`, zeros beyond the last.
    fn planes(&self, to: usize) -> Vec<f32> {
        let plane = |(w, b): (&Vec<f64>, &f32)| [w[0] as f32, w[1] as f32, w[2] as f32, *b];
        let mut planes: Vec<f32> = self.weight.iter().zip(&self.bias).flat_map(plane).collect();
        planes.resize(to * 4, 0.0);
        planes
    }

    /// As a warp takes it, zeros beyond either edge: parts of 16 x 16, of each part 32 lanes of 8 halves.
    fn fragments(&self) -> Vec<f16> {
        let (parts, steps) = (self.weight.len().div_ceil(16), self.weight[0].len().div_ceil(16));
        let at = |row: usize, column: usize| {
            let value = self.weight.get(row).and_then(|row| row.get(column)).copied().unwrap_or_default();
            f16::from_f64(value)
        };
        let mut fragments = Vec::with_capacity(parts * steps * 256);
        for (part, step) in (0..parts).flat_map(|part| (0..steps).map(move |step| (part, step))) {
            for (lane, quarter) in (0..32).flat_map(|lane| (0..4).map(move |quarter| (lane, quarter))) {
                let (row, column) =
                    (part * 16 + quarter / 2 * 8 + lane / 4, step * 16 + quarter % 2 * 8 + lane % 4 * 2);
                fragments.extend([at(row, column), at(row, column + 1)]);
            }
        }
        fragments
    }

    fn padded_bias(&self, to: usize) -> Vec<f32> {
        let mut bias = self.bias.clone();
        bias.resize(to, 0.0);
        bias
    }
}

fn relu(mut x: Matrix) -> Matrix {
    x.iter_mut().flatten().for_each(|v| *v = v.max(0.0));
    x
}

/// Groups of `k` points and the layers, e0 to e2 as the network has them.
struct Case {
    offsets: Vec<f16>,
    groups: usize,
    k: usize,
    first: Layer,
    second: Layer,
    local: Layer,
    last: Layer,
}

impl Case {
    fn points(&self) -> usize {
        self.k.next_power_of_two().max(16)
    }

    fn e(&self, layer: &Layer) -> usize {
        layer.weight.len().next_multiple_of(16)
    }

    /// The first layer's units of a group, halves as in the kernels.
    fn units(&self, group: usize) -> Matrix {
        let offsets = wide(&self.offsets[group * self.k * 3..][..self.k * 3], 3);
        wide(&halves(&relu(self.first.run(&offsets))), self.first.weight.len())
    }
}

fn group_maxima(host: &Host, schedule: Schedule, case: &Case) -> Vec<f16> {
    let (e0, e1) = (case.e(&case.first), case.e(&case.second));
    let mut out = vec![f16::MAX; case.groups * e1];
    let (first, second, bias) = (case.first.planes(e0), case.second.fragments(), case.second.padded_bias(e1));
    let sizes = [case.groups, case.k, case.points(), e0, e1].map(int);
    let mut arguments: Vec<_> = [input(&case.offsets), input(&first), input(&second), input(&bias)].into();
    arguments.extend(sizes);
    arguments.push(output(&mut out));
    let blocks = (case.groups * case.points()).div_ceil(MAXIMA_ROWS);
    host.launch(schedule, "group_maxima", grid(blocks, 256), &mut arguments);
    out
}

fn group_features(host: &Host, schedule: Schedule, case: &Case, pooled: &[f16]) -> Vec<f32> {
    let (e0, e2, width) = (case.e(&case.first), case.e(&case.local), case.last.weight.len());
    let mut out = vec![f32::MAX; case.groups * width];
    let (first, local, last) = (case.first.planes(e0), case.local.fragments(), case.last.fragments());
    let mut arguments: Vec<_> =
        [input(&case.offsets), input(&first), input(&local), input(pooled), input(&last), input(&case.last.bias)]
            .into();
    arguments.extend([case.groups, case.k, case.points(), e0, e2, width].map(int));
    arguments.push(output(&mut out));
    let blocks = [(case.groups * case.points()).div_ceil(case.points().max(ROWS)), width.div_ceil(COLUMNS)];
    host.launch(schedule, "group_features", Grid { blocks, threads: 256, coresident: false }, &mut arguments);
    out
}

/// (groups, K, e0, e1, e2, width): every number of points that is padded or not, and sizes that are.
const SIZES: [(usize, usize, [usize; 3], usize); 7] = [
    (1, 1, [4, 4, 4], 8),
    (9, 16, [16, 32, 48], 24),
    (5, 32, [128, 144, 160], 392),
    (3, 33, [32, 64, 96], 192),
    (2, 64, [20, 16, 130], 40),
    (2, 100, [64, 16, 16], 16),
    (2, 128, [128, 32, 256], 400),
];

fn case(seed: usize) -> Case {
    let (groups, k, [e0, e1, e2], width) = SIZES[seed];
    let mut random = Rng::with_seed(seed as u64);
    let [first, second] = [(e0, 3), (e1, e0)].map(|(to, from)| Layer::random(to, from, &mut random));
    let [local, last] = [(e2, e0), (width, e2)].map(|(to, from)| Layer::random(to, from, &mut random));
    let offsets = (0..groups * k * 3).map(|_| f16::from_f32(random.f32() * 4.0 - 2.0)).collect();
    Case { offsets, groups, k, first, second, local, last }
}

/// Within a half's rounding of what is stored, and of hundreds of units that may be rounded the other way.
fn near(what: &str, got: f64, want: f64) {
    assert!((got - want).abs() <= 3e-3 * (want.abs() + 1.0), "{what}: {got} and not {want}");
}

#[test]
fn the_second_layer_is_the_maximum_of_each_group() {
    let Some(host) = host() else { return };
    for (seed, sizes) in SIZES.iter().enumerate() {
        let case = case(seed);
        let (e1, real) = (case.e(&case.second), case.second.weight.len());
        let got = in_every_schedule(|schedule| group_maxima(host, schedule, &case));
        for (group, got) in got.chunks_exact(e1).enumerate() {
            let want = column_maximum(&case.second.run(&case.units(group)));
            want.iter().zip(got).for_each(|(want, got)| near(&format!("{sizes:?}"), got.to_f64(), *want));
            assert!(got[real..].iter().all(|v| *v == f16::ZERO), "{sizes:?}: beyond the last unit");
        }
    }
}

#[test]
fn features_are_the_maximum_of_each_group() {
    let Some(host) = host() else { return };
    for (seed, sizes) in SIZES.iter().enumerate() {
        let case = case(seed);
        let e2 = case.e(&case.local);
        let mut random = Rng::with_seed(99);
        let pooled: Vec<f16> = (0..case.groups * e2).map(|_| f16::from_f32(random.f32() - 0.5)).collect();
        let got = in_every_schedule(|schedule| group_features(host, schedule, &case, &pooled));
        for (group, got) in got.chunks_exact(case.last.weight.len()).enumerate() {
            let shared = &pooled[group * e2..][..e2];
            let add = |row: Vec<f64>| row.into_iter().zip(shared).map(|(v, s)| v + s.to_f64()).collect();
            let third: Matrix = case.local.product(&case.units(group)).into_iter().map(add).collect();
            let third = wide(&halves(&relu(third)), case.local.weight.len());
            let want = column_maximum(&case.last.run(&third));
            want.iter().zip(got).for_each(|(want, got)| near(&format!("{sizes:?}"), f64::from(*got), *want));
        }
    }
}

#[test]
fn position_units_are_the_formula() {
    let Some(host) = host() else { return };
    let mut random = Rng::with_seed(3);
    for (groups, h) in [(1, 2), (40, 128), (257, 6)] {
        let first = Layer::random(h, 3, &mut random);
        let centres: Vec<f32> = (0..groups * 3).map(|_| random.f32() * 4.0 - 2.0).collect();
        let planes = first.planes(h);
        let got = in_every_schedule(|schedule| {
            let mut out = vec![f16::MAX; groups * h];
            let mut arguments = [input(&centres), input(&planes), int(groups), int(h), output(&mut out)];
            host.launch(schedule, "position_units", one_each(groups * h / 2, 256), &mut arguments);
            out
        });
        let want = gelu(first.run(&reference::rows(&centres, 3)));
        for (got, want) in got.iter().zip(want.concat()) {
            near(&format!("{groups} and {h}"), got.to_f64(), want);
        }
    }
}

/// Points as far away as a half can tell: infinite units would be no numbers in the next layer.
#[test]
fn units_of_far_points_are_the_largest_half() {
    let Some(host) = host() else { return };
    let mut case = case(3);
    let (far, e2) = (f16::from_f32(60_000.0), case.e(&case.local));
    case.offsets.iter_mut().for_each(|offset| *offset = if *offset < f16::ZERO { -far } else { far });
    let most = f64::from(f16::MAX.to_f32());
    let clamped = |x: Matrix| x.into_iter().map(|row| row.into_iter().map(|v| v.min(most)).collect()).collect();
    let maxima = in_every_schedule(|schedule| group_maxima(host, schedule, &case));
    assert!(maxima.contains(&f16::MAX) && maxima.iter().all(|v| v.is_finite()));
    let pooled = vec![f16::ZERO; case.groups * e2];
    let got = in_every_schedule(|schedule| group_features(host, schedule, &case, &pooled));
    for (group, got) in got.chunks_exact(case.last.weight.len()).enumerate() {
        let offsets = wide(&case.offsets[group * case.k * 3..][..case.k * 3], 3);
        let units: Matrix = clamped(relu(case.first.run(&offsets)));
        let units = wide(&halves(&units), case.first.weight.len());
        let third: Matrix = clamped(relu(case.local.product(&units)));
        let want = column_maximum(&case.last.run(&wide(&halves(&third), case.local.weight.len())));
        // Of the size of the units, whose sum it is.
        want.iter()
            .zip(got)
            .for_each(|(want, got)| assert!((f64::from(*got) - want).abs() < 3e-3 * most, "{got}, {want}"));
    }
}
