//! `linear.cu` against the same products in f64.

use fastrand::Rng;
use half::f16;

use crate::host::{Grid, Host, Schedule, host, in_every_schedule, input, int, null, output};
use crate::interpolate::random_matrix;
use crate::mapping::{halves, wide};
use crate::support::reference::{Rows as Matrix, gelu};

const TILE: usize = 64;

fn tiles(rows: usize, columns: usize) -> Grid {
    Grid { blocks: [rows.div_ceil(TILE), columns.div_ceil(TILE)], threads: 256, coresident: false }
}

struct Case {
    x: Vec<f16>,
    weight: Vec<f16>,
    bias: Vec<f32>,
    n: usize,
    from: usize,
    to: usize,
}

fn case(n: usize, from: usize, to: usize, random: &mut Rng) -> Case {
    let (x, weight) = (halves(&random_matrix(n, from, random)), halves(&random_matrix(to, from, random)));
    Case { x, weight, bias: (0..to).map(|_| random.f32() - 0.5).collect(), n, from, to }
}

/// The rows are counted on the device where `room` is more than there are.
fn linear(host: &Host, schedule: Schedule, case: &Case, room: usize, activation: bool, bias: bool) -> Vec<f16> {
    let (count, mut out) = ([case.n as i32], vec![f16::ZERO; case.n * case.to]);
    let mut arguments = [
        input(&case.x),
        input(&case.weight),
        if bias { input(&case.bias) } else { null() },
        if room > case.n { input(&count) } else { null() },
        int(room),
        int(case.from),
        int(case.to),
        int(activation.into()),
        output(&mut out),
    ];
    host.launch(schedule, "linear", tiles(room, case.to), &mut arguments);
    out
}

fn inner_products(host: &Host, schedule: Schedule, case: &Case) -> Vec<f32> {
    let mut out = vec![f32::MAX; case.n * case.to];
    let sizes = [int(case.n), int(case.from), int(case.to)];
    let mut arguments: Vec<_> = [input(&case.x), input(&case.weight)].into_iter().chain(sizes).collect();
    arguments.push(output(&mut out));
    host.launch(schedule, "inner_products", tiles(case.n, case.to), &mut arguments);
    out
}

#[test]
fn products_are_the_formulas() {
    let Some(host) = host() else { return };
    let sizes = [(1, 2, 1), (64, 32, 64), (65, 34, 63), (130, 66, 7), (3, 192, 130)];
    for (seed, (n, from, to)) in sizes.into_iter().enumerate() {
        let mut random = Rng::with_seed(seed as u64);
        let case = case(n, from, to, &mut random);
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        let (x, weight) = (wide(&case.x, from), wide(&case.weight, from));
        let plain: Matrix = x.iter().map(|x| weight.iter().map(|w| dot(x, w)).collect()).collect();
        let got = in_every_schedule(|schedule| inner_products(host, schedule, &case));
        for (got, want) in got.iter().zip(plain.concat()) {
            assert!((f64::from(*got) - want).abs() < 1e-5 * from as f64, "{got} and not {want} of {n}, {from}, {to}");
        }
        for (activation, bias, room) in [(false, true, n), (true, true, n + 200), (false, false, n + 64)] {
            let shift = |j: usize| if bias { f64::from(case.bias[j]) } else { 0.0 };
            let shifted: Matrix =
                plain.iter().map(|row| row.iter().enumerate().map(|(j, v)| v + shift(j)).collect()).collect();
            let want = if activation { gelu(shifted) } else { shifted };
            let got = in_every_schedule(|schedule| linear(host, schedule, &case, room, activation, bias));
            for (got, want) in got.iter().zip(want.concat()) {
                // Half a step of a half, and f32's rounding of the sums.
                let bound = want.abs() * 2f64.powi(-11) + 1e-5 * from as f64;
                assert!((got.to_f64() - want).abs() <= bound, "{got} and not {want} of {n}, {from}, {to}");
            }
        }
    }
}
