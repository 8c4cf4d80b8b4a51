//! `fit.cu` against the same formulas in f64.

use std::f64::consts::{FRAC_1_SQRT_2, PI, SQRT_2};

use fastrand::Rng;

use crate::host::{Grid, Host, Schedule, float, grid, host, in_every_schedule, input, int, output};

/// Rows and channels: one, fewer and more than a warp, a block and a tile of sums have.
const SIZES: [(usize, usize); 5] = [(1, 1), (7, 33), (33, 300), (70, 31), (300, 64)];

fn random_values(count: usize, random: &mut Rng) -> Vec<f32> {
    (0..count).map(|_| random.f32() * 6.0 - 3.0).collect()
}

fn row_blocks(n: usize) -> Grid {
    grid(n, 256)
}

/// Phi, the normal distribution function.
fn distribution(x: f64) -> f64 {
    0.5 * libm::erfc(-x * FRAC_1_SQRT_2)
}

fn density(x: f64) -> f64 {
    (-0.5 * x * x).exp() / (SQRT_2 * PI.sqrt())
}

fn near(what: &str, got: &[f32], want: impl IntoIterator<Item = f64>, relative: f64, absolute: f64) {
    let want: Vec<f64> = want.into_iter().collect();
    assert_eq!(got.len(), want.len());
    for (i, (got, want)) in got.iter().zip(&want).enumerate() {
        let error = (f64::from(*got) - want).abs();
        assert!(error <= absolute + relative * want.abs(), "{what} {i}: {got} and not {want}");
    }
}

fn wide(values: &[f32]) -> impl Iterator<Item = f64> {
    values.iter().map(|v| f64::from(*v))
}

#[test]
fn the_first_layers_activations_are_the_formulas() {
    let Some(host) = host() else { return };
    for (seed, (n, c)) in SIZES.into_iter().enumerate() {
        let mut random = Rng::with_seed(seed as u64);
        let (plain, bias) = (random_values(n * c, &mut random), random_values(c, &mut random));
        let (before, after) = in_every_schedule(|schedule| {
            let (mut before, mut after) = (plain.clone(), vec![f32::MAX; n * c]);
            let arguments = &mut [output(&mut before), input(&bias), int(c), output(&mut after)];
            host.launch(schedule, "bias_gelu", row_blocks(n), arguments);
            (before, after)
        });
        let shifted: Vec<f64> = wide(&plain).enumerate().map(|(i, v)| v + f64::from(bias[i % c])).collect();
        near("before", &before, shifted.iter().copied(), 1e-7, 0.0);
        near("after", &after, shifted.iter().map(|x| x * distribution(*x)), 3e-7, 3e-7);
        let gradient = random_values(n * c, &mut random);
        let got = in_every_schedule(|schedule| {
            let mut got = gradient.clone();
            let arguments = &mut [output(&mut got), input(&before), int(c)];
            host.launch(schedule, "gelu_backward", row_blocks(n), arguments);
            got
        });
        let slope = |x: f64| distribution(x) + x * density(x);
        near("gradient", &got, wide(&gradient).zip(wide(&before)).map(|(g, x)| g * slope(x)), 1e-6, 1e-6);
    }
}

/// Losses and gradient.
fn cosine_loss(host: &Host, schedule: Schedule, [predicted, bias, observed]: [&[f32]; 3]) -> (Vec<f32>, Vec<f32>) {
    let c = bias.len();
    let n = predicted.len() / c;
    let (mut losses, mut gradient) = (vec![f32::MAX; n], vec![f32::MAX; n * c]);
    let inputs = [input(predicted), input(bias), input(observed), int(n), int(c)];
    let mut arguments: Vec<_> = inputs.into_iter().collect();
    arguments.extend([output(&mut losses), output(&mut gradient)]);
    host.launch(schedule, "cosine_loss", grid(n.div_ceil(8), 256), &mut arguments);
    (losses, gradient)
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[test]
fn the_loss_and_its_gradient_are_the_formulas() {
    let Some(host) = host() else { return };
    for (seed, (n, c)) in SIZES.into_iter().enumerate() {
        let mut random = Rng::with_seed(seed as u64);
        let (mut predicted, bias) = (random_values(n * c, &mut random), random_values(c, &mut random));
        let mut observed = random_values(n * c, &mut random);
        if n > 30 {
            // Nearly a perfect match, and a row that was observed to be nothing.
            (0..c).for_each(|i| predicted[c + i] = observed[c + i] * 2.0 - bias[i] + 1e-4 * random.f32());
            observed[2 * c..3 * c].fill(0.0);
        }
        let given = [&predicted[..], &bias, &observed];
        let (losses, gradient) = in_every_schedule(|schedule| cosine_loss(host, schedule, given));
        for row in 0..n {
            let p: Vec<f64> = wide(&predicted[row * c..][..c]).zip(wide(&bias)).map(|(p, b)| p + b).collect();
            let o: Vec<f64> = wide(&observed[row * c..][..c]).collect();
            let [of_p, of_o] = [&p, &o].map(|v| dot(v, v).sqrt().max(1e-12));
            let cosine = dot(&p, &o) / of_p / of_o;
            near("loss of row", &losses[row..=row], [1.0 - cosine], 0.0, 3e-7);
            let want = p.iter().zip(&o).map(|(p, o)| (cosine / (of_p * of_p) * p - o / (of_p * of_o)) / n as f64);
            let bound = 1e-6 / (n as f64 * of_p);
            near("gradient", &gradient[row * c..][..c], want, 1e-6, bound);
        }
        total_of(host, &losses);
    }
}

/// What the mean of `losses` is added to.
fn total_of(host: &Host, losses: &[f32]) {
    let got = in_every_schedule(|schedule| {
        let mut total = [0.25f64];
        let arguments = &mut [input(losses), int(losses.len()), output(&mut total)];
        host.launch(schedule, "add_mean", grid(1, 256), arguments);
        total[0]
    });
    let want = 0.25 + wide(losses).sum::<f64>() / losses.len() as f64;
    assert!((got - want).abs() < 1e-13, "{got} and not {want}");
}

#[test]
fn what_is_no_number_is_no_loss() {
    let Some(host) = host() else { return };
    let given = [&[1.0, f32::NAN, 1.0, 1.0][..], &[0.0, 0.0], &[1.0, 1.0, 1.0, 1.0]];
    let (losses, _) = in_every_schedule(|schedule| {
        let (losses, gradient) = cosine_loss(host, schedule, given);
        (losses.iter().map(|v| v.to_bits()).collect::<Vec<_>>(), gradient.len())
    });
    assert!(f32::from_bits(losses[0]).is_nan() && f32::from_bits(losses[1]).abs() < 1e-6);
}

#[test]
fn a_biass_gradient_is_the_sum_of_rows() {
    let Some(host) = host() else { return };
    for (seed, (n, c)) in SIZES.into_iter().enumerate() {
        let gradient = random_values(n * c, &mut Rng::with_seed(seed as u64));
        let got = in_every_schedule(|schedule| {
            let mut sums = vec![f32::MAX; c];
            let arguments = &mut [input(&gradient), int(n), int(c), output(&mut sums)];
            host.launch(schedule, "column_sums", grid(c.div_ceil(32), 1024), arguments);
            sums
        });
        let want = (0..c).map(|j| wide(&gradient).skip(j).step_by(c).sum());
        near("sum", &got, want, 1e-6, 1e-6 * n as f64);
    }
}

#[test]
fn a_step_is_adams() {
    let Some(host) = host() else { return };
    for (seed, count) in [1, 255, 256, 1000].into_iter().enumerate() {
        let mut random = Rng::with_seed(seed as u64);
        let [weights, gradient, first] = [(); 3].map(|()| random_values(count, &mut random));
        let second: Vec<f32> = random_values(count, &mut random).iter().map(|v| v * v).collect();
        let (rate, correction, [b1, b2], epsilon) = (3e-3f32, 0.4f32, [0.9f32, 0.999], 1e-8f32);
        let [w, m, v] = in_every_schedule(|schedule| {
            let (mut w, mut m, mut v) = (weights.clone(), first.clone(), second.clone());
            let tensors = [output(&mut w), input(&gradient), output(&mut m), output(&mut v), int(count)];
            let numbers = [rate, correction, b1, b2, epsilon].map(float);
            let mut arguments: Vec<_> = tensors.into_iter().chain(numbers).collect();
            host.launch(schedule, "adam", grid(count.div_ceil(256), 256), &mut arguments);
            drop(arguments);
            [w, m, v]
        });
        let [rate, correction, b1, b2, epsilon] = [rate, correction, b1, b2, epsilon].map(f64::from);
        let moved = |mean: f64, by: f64, beta: f64| beta * mean + (1.0 - beta) * by;
        let of_first: Vec<f64> = wide(&first).zip(wide(&gradient)).map(|(m, g)| moved(m, g, b1)).collect();
        let of_second: Vec<f64> = wide(&second).zip(wide(&gradient)).map(|(v, g)| moved(v, g * g, b2)).collect();
        near("first moment", &m, of_first.iter().copied(), 3e-7, 1e-6);
        near("second moment", &v, of_second.iter().copied(), 3e-7, 1e-6);
        let step = |i: usize| rate * of_first[i] / (of_second[i].sqrt() / correction + epsilon);
        near("weight", &w, wide(&weights).enumerate().map(|(i, w)| w - step(i)), 1e-6, 1e-6);
    }
}
