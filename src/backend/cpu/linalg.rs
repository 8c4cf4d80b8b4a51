//! Matrix products and the elementwise functions of a Transformer, all row-major f32.

use gemm::Parallelism;
use rayon::prelude::*;

/// Rows a task works on at a time in elementwise passes.
const ROWS_PER_TASK: usize = 32;

/// A matrix inside a larger buffer: strides in elements from row to row and from column to column.
#[derive(Clone, Copy)]
pub struct View<'a> {
    data: &'a [f32],
    rows: usize,
    cols: usize,
    row_stride: usize,
    col_stride: usize,
}

impl<'a> View<'a> {
    /// A dense row-major `[rows, cols]` matrix.
    pub fn dense(data: &'a [f32], rows: usize, cols: usize) -> Self {
        assert_eq!(data.len(), rows * cols, "a [{rows}, {cols}] matrix has {} elements", data.len());
        Self::strided(data, rows, cols, cols)
    }

    /// A row-major `[rows, cols]` matrix whose first element is `data[0]`.
    pub fn strided(data: &'a [f32], rows: usize, cols: usize, stride: usize) -> Self {
        assert!(rows == 0 || data.len() >= (rows - 1) * stride + cols);
        Self { data, rows, cols, row_stride: stride, col_stride: 1 }
    }

    /// The transpose, without moving anything.
    pub fn t(self) -> Self {
        Self { rows: self.cols, cols: self.rows, row_stride: self.col_stride, col_stride: self.row_stride, ..self }
    }
}

/// `out = scale * a * b (+ out when `add`)`; a `[n, k]`, b `[k, m]`, out row-major with rows of `out_stride`.
pub fn product(a: View, b: View, scale: f32, add: bool, out: &mut [f32], out_stride: usize, parallelism: Parallelism) {
    assert_eq!(a.cols, b.rows, "inner axes of a product differ");
    let (n, m) = (a.rows, b.cols);
    if n == 0 || m == 0 {
        return;
    }
    assert!(out.len() >= (n - 1) * out_stride + m, "output of a product is too small");
    let out_stride = out_stride as isize;
    let (a_cs, a_rs) = (a.col_stride as isize, a.row_stride as isize);
    let (b_cs, b_rs) = (b.col_stride as isize, b.row_stride as isize);
    let (dst, lhs, rhs) = (out.as_mut_ptr(), a.data.as_ptr(), b.data.as_ptr());
    // SAFETY: `View` guarantees that both operands hold their rows and columns at these strides,
    // the assertion above guarantees it of the output, and `&mut` that nothing else aliases it.
    unsafe {
        gemm::gemm(
            n,
            m,
            a.cols,
            dst,
            1,
            out_stride,
            add,
            lhs,
            a_cs,
            a_rs,
            rhs,
            b_cs,
            b_rs,
            1.0,
            scale,
            false,
            false,
            false,
            parallelism,
        );
    }
}

/// A linear layer: `out = x W^T + b`, W `[to, from]` as PyTorch stores it.
pub struct Linear {
    pub weight: Vec<f32>,
    pub bias: Vec<f32>,
    pub from: usize,
    pub to: usize,
}

impl Linear {
    /// `weight` `[to, from]`; an empty `bias` means none.
    pub fn new(weight: Vec<f32>, bias: Vec<f32>, to: usize) -> Self {
        let from = weight.len() / to;
        assert_eq!(weight.len(), from * to);
        assert!(bias.is_empty() || bias.len() == to);
        Self { weight, bias, from, to }
    }

    /// x `[n, from]` -> out `[n, to]`.
    pub fn run(&self, x: &[f32], out: &mut Vec<f32>, parallelism: Parallelism) {
        let n = x.len() / self.from;
        out.resize(n * self.to, 0.0);
        if !self.bias.is_empty() {
            out.chunks_exact_mut(self.to).for_each(|row| row.copy_from_slice(&self.bias));
        }
        let (x, w) = (View::dense(x, n, self.from), View::dense(&self.weight, self.to, self.from).t());
        product(x, w, 1.0, !self.bias.is_empty(), out, self.to, parallelism);
    }

    /// Adds the layer's output to `out`, `[n, to]`: the residual connection.
    pub fn run_add(&self, x: &[f32], out: &mut [f32]) {
        let n = x.len() / self.from;
        if !self.bias.is_empty() {
            out.chunks_exact_mut(self.to).for_each(|row| row.iter_mut().zip(&self.bias).for_each(|(o, b)| *o += b));
        }
        let (x, w) = (View::dense(x, n, self.from), View::dense(&self.weight, self.to, self.from).t());
        product(x, w, 1.0, true, out, self.to, Parallelism::Rayon(0));
    }
}

/// LayerNorm of each row of `x` `[n, c]` into `out`.
pub fn layer_norm(x: &[f32], weight: &[f32], bias: &[f32], epsilon: f32, out: &mut Vec<f32>) {
    let c = weight.len();
    out.resize(x.len(), 0.0);
    let rows = x.par_chunks(c * ROWS_PER_TASK).zip(out.par_chunks_mut(c * ROWS_PER_TASK));
    rows.for_each(|(x, out)| {
        for (x, out) in x.chunks_exact(c).zip(out.chunks_exact_mut(c)) {
            let mean = sum(x.iter().copied()) / c as f32;
            let variance = sum(x.iter().map(|v| (v - mean) * (v - mean))) / c as f32;
            let scale = 1.0 / (variance + epsilon).sqrt();
            for i in 0..c {
                out[i] = (x[i] - mean) * scale * weight[i] + bias[i];
            }
        }
    });
}

/// A sum in f64, so that its error does not grow with the row.
fn sum(values: impl Iterator<Item = f32>) -> f32 {
    values.map(f64::from).sum::<f64>() as f32
}

/// exp(x) for x <= 0, relative error below 2e-7: 2^n times a degree-6 polynomial on [-ln2/2, ln2/2].
#[inline(always)]
fn exp_nonpositive(x: f32) -> f32 {
    let x = x.max(-87.0);
    let n = (x * std::f32::consts::LOG2_E + 12_582_912.0) - 12_582_912.0;
    let r = (x - n * 0.693_359_4) + n * 2.121_944_4e-4;
    let p = 1.0 / 720.0;
    let p = p * r + 1.0 / 120.0;
    let p = p * r + 1.0 / 24.0;
    let p = p * r + 1.0 / 6.0;
    let p = p * r + 0.5;
    let p = (p * r + 1.0) * r + 1.0;
    p * f32::from_bits(((n as i32 + 127) as u32) << 23)
}

/// Phi(x), the normal distribution function, with erf from Abramowitz and Stegun 7.1.26: absolute error below 1e-7.
#[inline(always)]
pub fn normal_cdf(x: f32) -> f32 {
    let z = x.abs() * std::f32::consts::FRAC_1_SQRT_2;
    let t = 1.0 / (1.0 + 0.327_591_1 * z);
    let p = ((((1.061_405_4 * t - 1.453_152_1) * t) + 1.421_413_8) * t - 0.284_496_72) * t + 0.254_829_6;
    let tail = 0.5 * p * t * exp_nonpositive(-z * z);
    if x >= 0.0 { 1.0 - tail } else { tail }
}

/// Erf GELU in place, on this thread.
pub fn gelu(x: &mut [f32]) {
    pulp::Arch::new().dispatch(|| x.iter_mut().for_each(|v| *v *= normal_cdf(*v)));
}

/// Erf GELU in place, on every core.
pub fn gelu_parallel(x: &mut [f32]) {
    x.par_chunks_mut(1 << 14).for_each(gelu);
}

/// Softmax of one row in place.
pub fn softmax(row: &mut [f32]) {
    pulp::Arch::new().dispatch(|| {
        let max = row.iter().fold(f32::NEG_INFINITY, |m, &v| m.max(v));
        row.iter_mut().for_each(|v| *v = exp_nonpositive(*v - max));
        let scale = 1.0 / sum(row.iter().copied());
        row.iter_mut().for_each(|v| *v *= scale);
    });
}
