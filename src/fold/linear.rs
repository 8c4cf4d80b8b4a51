//! Linear layers and their matrix products in row-major f32, by the library `gemm`: for folding, for learning, and for
//! the ceiling that `bench` compares with. Inspection has kernels of its own (`backend`).

use gemm::Parallelism;

use crate::model::{LinearWeights, Tensors};

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
}

/// Takes the linear layer `name` with `to` outputs out of `weights`. Its bias is empty if the layer has none.
pub fn linear(weights: &mut Tensors, name: &str, to: usize) -> Linear {
    let LinearWeights { weight, bias } = weights.take_linear(name);
    Linear::new(weight.into_f32(), bias, to)
}

/// `[rows, columns]` -> `[columns, rows]`.
pub fn transposed(values: &[f32], columns: usize) -> Vec<f32> {
    (0..columns).flat_map(|column| values.iter().skip(column).step_by(columns)).copied().collect()
}
