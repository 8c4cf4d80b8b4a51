//! `norm.cu` against LayerNorm in f64, and `patches.cu` against the pixels themselves.

use std::array;

use crosscheck::shapes::{H, P, PATCH, RGB, T, T_SIDE, W};
use fastrand::Rng;
use half::f16;

use crate::host::{Host, Schedule, float, host, in_every_schedule, input, int, null, one_each, output};
use crate::support::reference::transformer;
use crate::support::reference::{self, Weights};

/// Rows from `skipped` on, into columns from `column` on of rows of `stride`.
struct Case {
    width: usize,
    skipped: usize,
    rows: usize,
    stride: usize,
    column: usize,
    stream: Vec<f32>,
    positions: Option<Vec<f32>>,
    weights: [Vec<f32>; 2],
}

const EPSILON: f32 = 1e-5;
const UNTOUCHED: f16 = f16::MAX;

fn layer_norm(host: &Host, schedule: Schedule, case: &Case) -> (Vec<f32>, Vec<f16>) {
    let (mut stream, mut out) = (case.stream.clone(), vec![UNTOUCHED; case.rows * case.stride]);
    let [weight, bias] = &case.weights;
    let mut arguments = [
        output(&mut stream),
        case.positions.as_ref().map_or(null(), |positions| input(positions)),
        input(weight),
        input(bias),
        int(case.skipped),
        int(case.rows),
        int(case.width),
        float(EPSILON),
        int(case.stride),
        int(case.column),
        output(&mut out),
    ];
    let mut blocks = one_each(case.rows, 8);
    blocks.threads = 256;
    host.launch(schedule, "layer_norm", blocks, &mut arguments);
    (stream, out)
}

#[test]
fn rows_are_normed_where_they_belong() {
    let Some(host) = host() else { return };
    let cases = [(8, 0, 1, 8, 0), (768, 1, 9, 768, 0), (66, 0, 17, 198, 66), (384, 2, 8, 400, 16), (2, 0, 3, 2, 0)];
    for (seed, (width, skipped, rows, stride, column)) in cases.into_iter().enumerate() {
        let mut random = Rng::with_seed(seed as u64);
        let mut values =
            |count: usize, scale: f32| (0..count).map(|_| (random.f32() - 0.3) * scale).collect::<Vec<_>>();
        let count = (skipped + rows) * width;
        let mut stream = values(count, 3.0);
        // As in published networks: one channel far above all others.
        stream.iter_mut().skip(1).step_by(width).for_each(|v| *v = 3000.0);
        let positions = (seed % 2 == 1).then(|| values(count, 1.0));
        let case = Case {
            width,
            skipped,
            rows,
            stride,
            column,
            stream,
            positions,
            weights: array::from_fn(|_| values(width, 2.0)),
        };
        let (added, got) = in_every_schedule(|schedule| layer_norm(host, schedule, &case));
        let mut want = case.stream.clone();
        if let Some(positions) = &case.positions {
            want.iter_mut().zip(positions).skip(skipped * width).for_each(|(x, p)| *x += p);
        }
        assert!(added == want, "{width}: positions stay in the stream");
        let [weight, bias] = case.weights.clone();
        let weights = Weights::from([("norm.weight".to_string(), weight), ("norm.bias".to_string(), bias)]);
        let stream = reference::rows(&want[skipped * width..], width);
        let want = transformer::layer_norm(&weights, "norm", f64::from(EPSILON), &stream);
        for (row, want) in got.chunks_exact(stride).zip(want) {
            let (before, rest) = row.split_at(column);
            let (mine, after) = rest.split_at(width);
            assert!(before.iter().chain(after).all(|v| *v == UNTOUCHED), "{width}: columns of others are written");
            for (got, want) in mine.iter().zip(want) {
                let bound = want.abs() * 2f64.powi(-11) + 1e-4;
                assert!((got.to_f64() - want).abs() <= bound, "{got} and not {want} of {width}");
            }
        }
    }
}

#[test]
fn every_pixel_is_in_its_patch() {
    let Some(host) = host() else { return };
    let image: Vec<f16> = (0..RGB * P).map(|i| f16::from_bits(i as u16)).collect();
    let values = RGB * PATCH * PATCH;
    let got = in_every_schedule(|schedule| {
        let mut out = vec![0xffffu16; (T + 1) * values];
        let mut arguments = [input(&image), output(&mut out)];
        host.launch(schedule, "patches", one_each(T * RGB * PATCH, 256), &mut arguments);
        out
    });
    assert!(got[..values].iter().all(|v| *v == 0xffff), "the class token has a patch");
    for (i, got) in got[values..].iter().enumerate() {
        let (token, channel, y, x) = (i / values, i % values / (PATCH * PATCH), i / PATCH % PATCH, i % PATCH);
        let (row, column) = (token / T_SIDE * PATCH + y, token % T_SIDE * PATCH + x);
        assert_eq!(*got, image[(channel * H + row) * W + column].to_bits(), "value {i}");
    }
}
