//! `attention.cu` against softmax attention in f64.

use fastrand::Rng;
use half::f16;

use crate::host::{Grid, Host, Schedule, host, in_every_schedule, input, int, output};
use crate::mapping::{halves, wide};
use crate::support::reference::Rows as Matrix;
use crate::support::reference::transformer;

const ROWS: usize = 64;

/// qkv `[n, 3 width]`, queries scaled -> `[n, width]`. Room for rows that nothing may be written to comes after them.
fn attention(host: &Host, schedule: Schedule, qkv: &[f16], n: usize, heads: usize) -> Vec<f16> {
    let width = qkv.len() / n / 3;
    let mut out = vec![f16::MAX; n * width];
    let mut arguments = [input(qkv), int(n), int(width), int(width / heads), output(&mut out)];
    let grid = Grid { blocks: [n.div_ceil(ROWS), heads], threads: 128, coresident: false };
    host.launch(schedule, "attention", grid, &mut arguments);
    out
}

#[test]
fn every_head_is_the_formula() {
    let Some(host) = host() else { return };
    // (rows, heads, channels of a head, how far scores spread)
    let cases =
        [(1, 1, 64, 1.0), (64, 2, 64, 4.0), (65, 1, 16, 4.0), (130, 1, 64, 60.0), (3, 3, 40, 1.0), (200, 2, 8, 20.0)];
    for (seed, (n, heads, depth, spread)) in cases.into_iter().enumerate() {
        let mut random = Rng::with_seed(seed as u64);
        let mut value = |scale: f64| (f64::from(random.f32()) * 2.0 - 1.0) * scale;
        let width = heads * depth;
        // The scale is a part of the queries; scores of opposite signs and of all sizes up to `spread`.
        let row = |_| {
            let queries: Vec<f64> = (0..width).map(|_| value(spread / (depth as f64).sqrt())).collect();
            queries.into_iter().chain((0..2 * width).map(|_| value(1.0))).collect()
        };
        let qkv = halves(&(0..n).map(row).collect::<Matrix>());
        let mut unscaled = wide(&qkv, 3 * width);
        for row in &mut unscaled {
            row[..width].iter_mut().for_each(|q| *q *= (depth as f64).sqrt());
        }
        let want = transformer::attention(&unscaled, heads);
        let got = in_every_schedule(|schedule| attention(host, schedule, &qkv, n, heads));
        for (got, want) in got.iter().zip(want.concat()) {
            // Shares are halves, and so is their sum with values up to one.
            let bound = 2f64.powi(-11) * (want.abs() + 1.0);
            assert!((got.to_f64() - want).abs() <= bound, "{got} and not {want} of {n}, {heads}, {depth}");
        }
    }
}
