//! The functions between the products, vectorised for the instruction set at hand.

pub(super) use crate::vectorised::{maximum, vectorised};

/// Number of values that are summed or compared side by side.
const LANES: usize = 32;

/// `a b + c`, in one rounding where that is one instruction.
#[inline(always)]
pub fn multiply_add<const FUSED: bool>(a: f32, b: f32, c: f32) -> f32 {
    if FUSED { a.mul_add(b, c) } else { a * b + c }
}

/// exp(x) for x <= 0: 2^n times a polynomial of degree 6 on [-ln2/2, ln2/2]. The relative error is below 2.5e-7 down to
/// x = -87 (measured: `tests`); below that the result stays exp(-87).
#[inline(always)]
fn exp_nonpositive<const FUSED: bool>(x: f32) -> f32 {
    // A small number plus this constant has no bits for a fraction: the nearest integer is in the last bits of the sum.
    const ROUNDING: f32 = 12_582_912.0;
    let x = if x > -87.0 { x } else { -87.0 };
    let shifted = multiply_add::<FUSED>(x, std::f32::consts::LOG2_E, ROUNDING);
    let n = shifted - ROUNDING;
    let r = multiply_add::<FUSED>(n, -0.693_359_4, x);
    let r = multiply_add::<FUSED>(n, 2.121_944_4e-4, r);
    let mut p = 1.0 / 720.0;
    for c in [1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5, 1.0, 1.0] {
        p = multiply_add::<FUSED>(p, r, c);
    }
    // 2^n is made from those bits: `n as i32` saturates, and is therefore not vectorised.
    p * f32::from_bits((shifted.to_bits() << 23).wrapping_add(1.0f32.to_bits()))
}

/// Phi(x), the normal distribution function, with erf from Abramowitz and Stegun 7.1.26: absolute error below 1.5e-7
/// (measured: `tests`).
#[inline(always)]
fn normal_cdf_with<const FUSED: bool>(x: f32) -> f32 {
    let z = x.abs() * std::f32::consts::FRAC_1_SQRT_2;
    let t = 1.0 / multiply_add::<FUSED>(0.327_591_1, z, 1.0);
    let mut p = 1.061_405_4;
    for c in [-1.453_152_1, 1.421_413_8, -0.284_496_72, 0.254_829_6] {
        p = multiply_add::<FUSED>(p, t, c);
    }
    let tail = 0.5 * p * t * exp_nonpositive::<FUSED>(-z * z);
    if x >= 0.0 { 1.0 - tail } else { tail }
}

/// Phi(x) of one value.
pub fn normal_cdf(x: f32) -> f32 {
    normal_cdf_with::<false>(x)
}

vectorised! {
    /// Erf GELU in place.
    pub fn gelu(x: &mut [f32]) {
        for v in x {
            *v *= normal_cdf_with::<FUSED>(*v);
        }
    }
}

vectorised! {
    pub fn relu(x: &mut [f32]) {
        for v in x {
            *v = v.max(0.0);
        }
    }
}

vectorised! {
    /// Adds `row` to every row of `x`, `[n, row.len()]`.
    pub fn add_rows(x: &mut [f32], row: &[f32]) {
        for x in x.chunks_exact_mut(row.len()) {
            x.iter_mut().zip(row).for_each(|(x, v)| *x += v);
        }
    }
}

vectorised! {
    /// Writes to `out` the maximum of `out` and every row of `x`, `[n, out.len()]`. Columns are a multiple of sixteen.
    pub fn maximum_rows(x: &[f32], out: &mut [f32]) {
        let width = out.len();
        assert!(width.is_multiple_of(16), "a panel is whole");
        for (column, out) in out.as_chunks_mut::<16>().0.iter_mut().enumerate() {
            // The maxima of sixteen columns stay in registers over all rows.
            let mut largest = *out;
            for row in x.chunks_exact(width) {
                for (largest, &v) in largest.iter_mut().zip(&row[16 * column..][..16]) {
                    *largest = if v > *largest { v } else { *largest };
                }
            }
            *out = largest;
        }
    }
}

vectorised! {
    /// Adds the sum of squares of each row of `x + shift` to `sums`, `[n]`; x is `[n, shift.len()]`.
    pub fn add_squares(x: &[f32], shift: &[f32], sums: &mut [f32]) {
        const WIDTH: usize = 16;
        for (row, sum) in x.chunks_exact(shift.len()).zip(sums) {
            let mut lanes = [0.0f32; WIDTH];
            for (row, shift) in row.as_chunks::<WIDTH>().0.iter().zip(shift.as_chunks::<WIDTH>().0) {
                for (lane, (v, shift)) in lanes.iter_mut().zip(row.iter().zip(shift)) {
                    *lane += (v + shift) * (v + shift);
                }
            }
            *sum += lanes.iter().sum::<f32>();
        }
    }
}

/// Copies the start of `from` to `out`, whole vectors without a call of memcpy.
#[inline(always)]
pub fn copy(out: &mut [f32], from: &[f32]) {
    let (from_vectors, from_rest) = from[..out.len()].as_chunks::<16>();
    let (vectors, rest) = out.as_chunks_mut::<16>();
    vectors.iter_mut().zip(from_vectors).for_each(|(out, from)| *out = *from);
    if !rest.is_empty() {
        rest.copy_from_slice(from_rest);
    }
}

/// Sum of `of(value)` over a row, in [`LANES`] lanes, so that the error grows with the row's length over their number.
#[inline(always)]
fn sum(row: &[f32], of: impl Fn(f32) -> f32) -> f32 {
    let mut lanes = [0.0f32; LANES];
    let (whole, rest) = row.as_chunks::<LANES>();
    for chunk in whole {
        lanes.iter_mut().zip(chunk).for_each(|(lane, &v)| *lane += of(v));
    }
    lanes.iter().sum::<f32>() + rest.iter().map(|&v| of(v)).sum::<f32>()
}

/// `row = exp(row - maximum)`; returns its sum. `maximum` is not below any of its values.
#[inline(always)]
pub fn exponentiate<const FUSED: bool>(row: &mut [f32], maximum: f32) -> f32 {
    for v in row.iter_mut() {
        *v = exp_nonpositive::<FUSED>(*v - maximum);
    }
    sum(row, |v| v)
}

/// exp(x) of one value that is not positive.
#[inline(always)]
pub fn exponential<const FUSED: bool>(x: f32) -> f32 {
    exp_nonpositive::<FUSED>(x)
}

vectorised! {
    /// LayerNorm of each row of `x` `[n, c]` into `out`.
    pub fn layer_norm(x: &[f32], weight: &[f32], bias: &[f32], epsilon: f32, out: &mut [f32]) {
        let c = weight.len();
        for (x, out) in x.chunks_exact(c).zip(out.chunks_exact_mut(c)) {
            let mean = sum(x, |v| v) / c as f32;
            let variance = sum(x, |v| (v - mean) * (v - mean)) / c as f32;
            let scale = 1.0 / (variance + epsilon).sqrt();
            for (((out, x), weight), bias) in out.iter_mut().zip(x).zip(weight).zip(bias) {
                *out = (x - mean) * scale * weight + bias;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 200,000 evenly spaced values of a range: every f32 in it would take minutes.
    fn range(from: f64, to: f64) -> Vec<f32> {
        (0..=200_000).map(|i| (from + (to - from) * f64::from(i) / 200_000.0) as f32).collect()
    }

    fn gelu_f64(x: f32) -> f64 {
        let x = f64::from(x);
        0.5 * x * libm::erfc(-x * std::f64::consts::FRAC_1_SQRT_2)
    }

    /// The stated errors hold with the fused multiply-add and without.
    #[test]
    fn gelu_is_as_near_as_stated() {
        let x = range(-12.0, 12.0);
        let mut fast = x.clone();
        gelu(&mut fast);
        let plain = x.iter().map(|v| v * normal_cdf(*v));
        for (x, (fast, plain)) in x.iter().zip(fast.iter().zip(plain)) {
            let scale = f64::from(x.abs()).max(1.0);
            for got in [*fast, plain] {
                let error = (f64::from(got) - gelu_f64(*x)).abs() / scale;
                assert!(error < 2e-7, "GELU({x}) is {error:e} off");
            }
        }
    }

    #[test]
    fn exp_is_as_near_as_stated() {
        for x in range(-87.0, 0.0) {
            let want = f64::from(x).exp();
            for got in [exp_nonpositive::<true>(x), exp_nonpositive::<false>(x)] {
                let error = (f64::from(got) - want).abs() / want;
                assert!(error < 2.5e-7, "exp({x}) is {error:e} off");
            }
        }
        assert!(exp_nonpositive::<false>(f32::NEG_INFINITY) < 2e-38);
    }

    #[test]
    fn a_layer_norm_is_as_near_as_f32_lets_it() {
        let mut random = fastrand::Rng::with_seed(1);
        for c in [1, 31, 32, 33, 768] {
            let mut values = |offset: f32| (0..c).map(|_| offset + random.f32()).collect::<Vec<f32>>();
            let (x, weight, bias) = (values(5.0), values(0.5), values(-0.5));
            let mut out = vec![0.0; c];
            layer_norm(&x, &weight, &bias, 1e-5, &mut out);
            let mean = x.iter().map(|v| f64::from(*v)).sum::<f64>() / c as f64;
            let variance = x.iter().map(|v| (f64::from(*v) - mean).powi(2)).sum::<f64>() / c as f64;
            for i in 0..c {
                let want =
                    (f64::from(x[i]) - mean) / (variance + 1e-5).sqrt() * f64::from(weight[i]) + f64::from(bias[i]);
                assert!((f64::from(out[i]) - want).abs() < 1e-5, "{} where {want} is expected", out[i]);
            }
        }
    }

    #[test]
    fn reductions_see_every_value() {
        for n in [1, 15, 32, 33, 100] {
            for at in [0, n / 2, n - 1] {
                let mut row = vec![-1.0; n];
                row[at] = 3.0;
                assert_eq!(maximum(&row), 3.0);
                assert_eq!(sum(&row, |v| v), 4.0 - n as f32);
            }
        }
        let mut sums = [1.0, 2.0];
        add_squares(&[1.0; 64], &[1.0; 32], &mut sums);
        assert_eq!(sums, [129.0, 130.0]);
    }
}
