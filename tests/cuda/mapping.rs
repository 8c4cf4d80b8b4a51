//! `mapping.cu` against the same formulas in f64.

use crosscheck::shapes::W;
use fastrand::Rng;
use half::f16;

use crate::host::{Host, Schedule, float, host, in_every_schedule, input, int, null, one_each, output};
use crate::interpolate::{ROW_MAX, Rows, random_matrix};
use crate::support::reference::{Rows as Matrix, gelu};

const HIDDEN_PIXELS: usize = 8;
pub const PSI_WARPS: usize = 8;

pub fn halves(matrix: &Matrix) -> Vec<f16> {
    let mut halves: Vec<f16> = matrix.iter().flatten().map(|&v| f16::from_f64(v)).collect();
    // No room beyond the last, which the sanitizer would take for a part of the matrix.
    halves.shrink_to_fit();
    halves
}

pub fn floats(values: impl IntoIterator<Item = f64>) -> Vec<f32> {
    values.into_iter().map(|v| v as f32).collect()
}

/// What halves hold, as rows of `columns`.
pub fn wide(values: &[f16], columns: usize) -> Matrix {
    values.chunks_exact(columns).map(|row| row.iter().map(|v| v.to_f64()).collect()).collect()
}

/// `count` listed pixels, launches for `launched`.
pub fn hidden_activations(
    host: &Host,
    schedule: Schedule,
    moved: &[f16],
    bias: &[f32],
    rows: &Rows,
    count: usize,
) -> Vec<f16> {
    let m = bias.len();
    let (listed, mut out) = ([count as i32], vec![f16::ZERO; count * m]);
    let mut arguments = [
        input(moved),
        input(bias),
        input(&rows.index),
        input(&rows.weight),
        rows.lengths.as_ref().map_or(null(), |l| input(l)),
        int(rows.stride),
        input(&listed),
        int(m),
        output(&mut out),
    ];
    // Some blocks more than there are pixels for: the launch does not know how many are listed.
    let mut blocks = one_each(count, HIDDEN_PIXELS);
    blocks.blocks[0] += 3;
    blocks.threads = 128;
    host.launch(schedule, "hidden_activations", blocks, &mut arguments);
    out
}

/// What `discrepancy` takes of a frame, beside rows.
#[derive(Clone, Debug, Default)]
pub struct Observed {
    /// `[n, M]`, and parts of squared lengths, `[parts, room]`.
    pub hidden: Vec<f16>,
    pub squares: Vec<f32>,
    /// `[n_to, M]`, `[n_to]`, `[n_to, n_to]`.
    pub projected: Vec<f16>,
    pub offset: Vec<f32>,
    pub gram: Vec<f32>,
    pub m: usize,
    pub parts: usize,
    pub rest: f32,
}

pub fn discrepancy(host: &Host, schedule: Schedule, given: &Observed, rows: &Rows, count: usize) -> Vec<f32> {
    let (listed, mut psi) = ([count as i32], vec![f32::MAX; count]);
    let mut arguments = [
        input(&given.hidden),
        input(&given.squares),
        input(&given.projected),
        input(&given.offset),
        input(&given.gram),
        input(&rows.index),
        input(&rows.weight),
        rows.lengths.as_ref().map_or(null(), |l| input(l)),
        int(rows.stride),
        input(&listed),
        int(given.squares.len() / given.parts),
        int(given.m),
        int(given.parts),
        int(given.offset.len()),
        float(given.rest),
        output(&mut psi),
    ];
    let mut blocks = one_each(count, PSI_WARPS);
    blocks.blocks[0] += 3;
    blocks.threads = PSI_WARPS * 32;
    host.launch(schedule, "discrepancy", blocks, &mut arguments);
    psi
}

/// Rows of up to `longest` of `features` features, of fixed length where there are no lengths.
pub fn random_rows(count: usize, features: usize, longest: usize, lengths: bool, random: &mut Rng) -> Rows {
    let stride = if lengths { ROW_MAX } else { longest };
    let index = (0..count * stride).map(|_| random.usize(..features) as i32).collect();
    let weight = (0..count * stride).map(|_| random.f32()).collect();
    let lengths = lengths.then(|| (0..count).map(|_| random.usize(1..=longest) as i32).collect());
    Rows { index, weight, lengths, stride }
}

pub const SIZES: [(usize, usize, usize, bool); 6] = [
    (0, 5, 4, false),
    (1, 1, 1, true),
    (7, 3, 4, false),
    (8, 40, ROW_MAX, true),
    (9, 17, 9, true),
    (300, 50, 4, false),
];

#[test]
fn hidden_activations_are_the_formulas() {
    let Some(host) = host() else { return };
    for (seed, (count, features, longest, lengths)) in SIZES.into_iter().enumerate() {
        let mut random = Rng::with_seed(seed as u64);
        let m = [8, 40, 64, 264][seed % 4];
        let rows = random_rows(count, features, longest, lengths, &mut random);
        let bias: Vec<f32> = (0..m).map(|_| random.f32() - 2.0).collect();
        let moved: Vec<f16> = (0..features * m).map(|_| f16::from_f32(random.f32() * 4.0 - 2.0)).collect();
        let got = in_every_schedule(|schedule| hidden_activations(host, schedule, &moved, &bias, &rows, count));
        let features = wide(&moved, m);
        let before: Matrix = (0..count).map(|i| rows.combine(i, &features)).collect();
        let shifted = |row: Vec<f64>| row.into_iter().zip(&bias).map(|(v, b)| v + f64::from(*b)).collect();
        for (got, want) in got.iter().zip(gelu(before.into_iter().map(shifted).collect()).concat()) {
            // Half a step of a half, and f32's rounding of the sums.
            let bound = want.abs() * 2f64.powi(-11) + 1e-5;
            assert!((got.to_f64() - want).abs() <= bound, "{got} and not {want} of {count} pixels, M {m}");
        }
    }
}

/// |e/|e| - E/|E||, from the same numbers.
fn formula(given: &Observed, rows: &Rows, place: usize) -> f64 {
    let (hidden, room) = (wide(&given.hidden, given.m), given.squares.len() / given.parts);
    let n_to = given.offset.len();
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let offset: f64 = rows.row(place).map(|(i, w)| w * f64::from(given.offset[i])).sum();
    let inner = dot(&rows.combine(place, &wide(&given.projected, given.m)), &hidden[place]) + offset;
    let squared: f64 = given.squares.iter().skip(place).step_by(room).map(|v| f64::from(*v)).sum();
    let predicted = squared + f64::from(given.rest);
    let pairs = rows.row(place).flat_map(|(i, a)| rows.row(place).map(move |(j, b)| (i, j, a * b)));
    let observed: f64 = pairs.map(|(i, j, w)| w * f64::from(given.gram[i * n_to + j])).sum();
    let cosine = inner / (predicted.max(1e-24) * observed.max(1e-24)).sqrt();
    (2.0 - 2.0 * cosine).max(0.0).sqrt()
}

/// A consistent one: a random last layer, hidden units and observed features.
fn random_observed(count: usize, n_to: usize, [m, c_out, parts]: [usize; 3], random: &mut Rng) -> Observed {
    let (layer, features) = (random_matrix(c_out, m, random), random_matrix(n_to, c_out, random));
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let bias: Vec<f64> = (0..c_out).map(|_| random.f64() - 0.5).collect();
    let hidden = wide(&halves(&random_matrix(count, m, random)), m);
    // Room for a few pixels more, and outputs dealt out to the parts.
    let room = count + 5;
    let mut squares = vec![0.0; parts * room];
    for (place, h) in hidden.iter().enumerate() {
        for (i, (row, b)) in layer.iter().zip(&bias).enumerate() {
            squares[i % parts * room + place] += (dot(row, h) + b).powi(2);
        }
    }
    let column = |j: usize| layer.iter().map(|row| row[j]).collect::<Vec<f64>>();
    let projected: Matrix = features.iter().map(|f| (0..m).map(|j| dot(&column(j), f)).collect()).collect();
    Observed {
        hidden: halves(&hidden),
        squares: floats(squares),
        projected: halves(&projected),
        offset: floats(features.iter().map(|f| dot(f, &bias))),
        gram: floats(features.iter().flat_map(|a| features.iter().map(|b| dot(a, b)).collect::<Vec<f64>>())),
        m,
        parts,
        rest: 0.0,
    }
}

#[test]
fn the_discrepancy_is_the_formula() {
    let Some(host) = host() else { return };
    for (seed, (count, n_to, longest, lengths)) in SIZES.into_iter().enumerate() {
        let mut random = Rng::with_seed(50 + seed as u64);
        let sizes = [[8, 1, 1], [40, 33, 4], [64, 40, 36], [264, 7, 3]][seed % 4];
        let rows = random_rows(count, n_to, longest, lengths, &mut random);
        let mut given = random_observed(count, n_to, sizes, &mut random);
        given.rest = 0.1 * seed as f32;
        let got = in_every_schedule(|schedule| discrepancy(host, schedule, &given, &rows, count));
        for (place, psi) in got.iter().enumerate() {
            let want = formula(&given, &rows, place);
            // The square of psi is a difference of two numbers that f32 rounds: 2 and twice the cosine.
            let error = (f64::from(*psi).powi(2) - want.powi(2)).abs();
            assert!(error < 4e-6, "pixel {place} of {count}: {psi} and not {want}");
        }
    }
}

/// A feature that is zero has no direction, and what is no number must not look like a perfect match.
#[test]
fn what_has_no_direction_has_a_discrepancy() {
    let Some(host) = host() else { return };
    let mut random = Rng::with_seed(3);
    let rows = random_rows(W, 4, 2, false, &mut random);
    let given = random_observed(W, 4, [40, 6, 4], &mut random);
    let psi = |given: &Observed| discrepancy(host, Schedule::Ascending, given, &rows, W);
    let zero =
        Observed { projected: vec![f16::ZERO; 4 * 40], offset: vec![0.0; 4], gram: vec![0.0; 16], ..given.clone() };
    assert!(psi(&zero).iter().all(|v| *v == 2f32.sqrt()), "a zero feature is at right angles to everything");
    let no_gram = Observed { gram: vec![f32::NAN; 16], ..given.clone() };
    let no_prediction = Observed { squares: vec![f32::NAN; 4 * W], ..given };
    for broken in [no_gram, no_prediction] {
        assert!(psi(&broken).iter().all(|v| v.is_nan()), "{:?}", psi(&broken));
    }
}
