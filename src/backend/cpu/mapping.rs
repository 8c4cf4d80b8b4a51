//! A crossmodal mapping (section 3.2) and its discrepancy (equation 3), without its last layer.

use gemm::Parallelism;
use rayon::prelude::*;

use super::interpolate::SparseRows;
use super::linalg::{Linear, View, gelu, product};
use super::transformer::linear;
use crate::model::Weights;

/// Valid pixels that a task carries through every layer while they stay in cache.
const PIXELS_PER_TASK: usize = 512;
/// Rows of the triangular factor that one product takes; its columns to the left are zero and skipped.
const TRIANGLE_ROWS: usize = 96;

/// One modality of a frame: its tokens or groups `[n, C]` and the rows that carry them to pixels.
pub struct Side<'a> {
    pub features: &'a [f32],
    pub rows: &'a SparseRows,
}

/// `C_in - M - M - C_out` with erf GELU after the first two.
pub struct Mapping {
    /// Applied to tokens, before interpolation; its bias is added after.
    input: Linear,
    projection: Linear,
    output: Linear,
    /// Output weight transposed, `[M, C_out]`: makes e.E a dot product of hidden units.
    output_transposed: Vec<f32>,
    /// Upper trapezoidal R of W = QR, `[min(C_out, M), M]`.
    triangle: Vec<f32>,
    /// Q'b, and what of |b|^2 lies outside Q's range.
    shift: Vec<f32>,
    rest: f32,
}

impl Mapping {
    pub fn new(name: &str, hidden: usize, c_out: usize, weights: &mut Weights) -> Self {
        let input = linear(weights, &format!("{name}.input"), hidden);
        let projection = linear(weights, &format!("{name}.projection"), hidden);
        let output = linear(weights, &format!("{name}.output"), c_out);
        let output_transposed = (0..hidden)
            .flat_map(|m| (0..c_out).map(move |c| (m, c)))
            .map(|(m, c)| output.weight[c * hidden + m])
            .collect();
        let (triangle, shift, rest) = factor(&output);
        Self { input, projection, output, output_transposed, triangle, shift, rest }
    }

    /// psi at each of `pixels`: the distance of the unit vectors of M(observed `from`) and observed `to`.
    pub fn discrepancy(&self, from: &Side, to: &Side, pixels: &[usize]) -> Vec<f32> {
        let (m, c_out) = (self.input.to, self.output.to);
        let n_from = from.features.len() / self.input.from;
        let n_to = to.features.len() / c_out;
        let mut moved = vec![0.0; n_from * m];
        let x = View::dense(from.features, n_from, self.input.from);
        product(
            x,
            View::dense(&self.input.weight, m, self.input.from).t(),
            1.0,
            false,
            &mut moved,
            m,
            Parallelism::Rayon(0),
        );
        let observed = View::dense(to.features, n_to, c_out);
        let mut projected = vec![0.0; n_to * m];
        product(
            observed,
            View::dense(&self.output_transposed, m, c_out).t(),
            1.0,
            false,
            &mut projected,
            m,
            Parallelism::Rayon(0),
        );
        let mut offset = vec![0.0; n_to];
        product(observed, View::dense(&self.output.bias, 1, c_out).t(), 1.0, false, &mut offset, 1, Parallelism::None);
        let mut gram = vec![0.0; n_to * n_to];
        product(observed, observed.t(), 1.0, false, &mut gram, n_to, Parallelism::Rayon(0));
        let frame = Frame { moved, projected, offset, gram, n_to };
        let mut psi = vec![0.0; pixels.len()];
        let tiles = psi.par_chunks_mut(PIXELS_PER_TASK).zip(pixels.par_chunks(PIXELS_PER_TASK));
        tiles.for_each_init(Tile::default, |tile, (psi, pixels)| {
            self.tile(&frame, from.rows, to.rows, pixels, tile, psi)
        });
        psi
    }

    fn tile(
        &self,
        frame: &Frame,
        from: &SparseRows,
        to: &SparseRows,
        pixels: &[usize],
        tile: &mut Tile,
        psi: &mut [f32],
    ) {
        let m = self.input.to;
        tile.first.resize(pixels.len() * m, 0.0);
        for (&pixel, out) in pixels.iter().zip(tile.first.chunks_exact_mut(m)) {
            out.copy_from_slice(&self.input.bias);
            combine(from.row(pixel), &frame.moved, out);
        }
        gelu(&mut tile.first);
        self.projection.run(&tile.first, &mut tile.hidden, Parallelism::None);
        gelu(&mut tile.hidden);
        self.triangular(pixels.len(), tile);
        let ranks = self.shift.len();
        tile.combined.resize(m, 0.0);
        for (i, &pixel) in pixels.iter().enumerate() {
            let row = to.row(pixel);
            tile.combined.fill(0.0);
            combine(row, &frame.projected, &mut tile.combined);
            let offset: f32 = row.iter().map(|&(k, w)| w * frame.offset[k as usize]).sum();
            let inner = dot(&tile.combined, &tile.hidden[i * m..][..m]) + offset;
            let turned = &tile.turned[i * ranks..][..ranks];
            let predicted = dot(turned, turned) + self.rest;
            psi[i] = distance(inner, predicted, frame.squared_norm(row));
        }
    }

    /// turned = R h + d, a block of rows at a time, columns left of the diagonal skipped.
    fn triangular(&self, pixels: usize, tile: &mut Tile) {
        let (m, ranks) = (self.input.to, self.shift.len());
        tile.turned.resize(pixels * ranks, 0.0);
        tile.turned.chunks_exact_mut(ranks).for_each(|row| row.copy_from_slice(&self.shift));
        for first in (0..ranks).step_by(TRIANGLE_ROWS) {
            let rows = TRIANGLE_ROWS.min(ranks - first);
            let h = View::strided(&tile.hidden[first..], pixels, m - first, m);
            let r = View::strided(&self.triangle[first * m + first..], rows, m - first, m);
            product(h, r.t(), 1.0, true, &mut tile.turned[first..], ranks, Parallelism::None);
        }
    }
}

/// What is computed once per frame, over tokens and groups.
struct Frame {
    /// First layer applied before interpolation, `[n_from, M]`.
    moved: Vec<f32>,
    /// W'f of each observed token, `[n_to, M]`, and f.b, `[n_to]`.
    projected: Vec<f32>,
    offset: Vec<f32>,
    /// `[n_to, n_to]`.
    gram: Vec<f32>,
    n_to: usize,
}

impl Frame {
    /// |e|^2 = w' (F F') w.
    fn squared_norm(&self, row: &[(u32, f32)]) -> f32 {
        row.iter()
            .map(|&(i, a)| {
                a * row.iter().map(|&(j, b)| b * self.gram[i as usize * self.n_to + j as usize]).sum::<f32>()
            })
            .sum()
    }
}

#[derive(Default)]
struct Tile {
    first: Vec<f32>,
    hidden: Vec<f32>,
    turned: Vec<f32>,
    combined: Vec<f32>,
}

/// |a/|a| - b/|b|| from a.b, |a|^2 and |b|^2.
fn distance(inner: f32, predicted: f32, observed: f32) -> f32 {
    // torch.nn.functional.normalize's floor of the norm, squared.
    let cosine = inner / (predicted.max(1e-24) * observed.max(1e-24)).sqrt();
    let squared = 2.0 - 2.0 * cosine;
    // Not `max`, which would make a NaN a perfect match.
    if squared < 0.0 { 0.0 } else { squared.sqrt() }
}

/// out += sum of weight * row.
fn combine(row: &[(u32, f32)], features: &[f32], out: &mut [f32]) {
    let c = out.len();
    pulp::Arch::new().dispatch(|| {
        for &(index, weight) in row {
            out.iter_mut().zip(&features[index as usize * c..][..c]).for_each(|(o, f)| *o += weight * f);
        }
    });
}

fn dot(a: &[f32], b: &[f32]) -> f32 {
    pulp::Arch::new().dispatch(|| {
        let mut lanes = [0.0f32; 16];
        let (a16, b16) = (a.chunks_exact(16), b.chunks_exact(16));
        let rest: f32 = a16.remainder().iter().zip(b16.remainder()).map(|(x, y)| x * y).sum();
        for (x, y) in a16.zip(b16) {
            (0..16).for_each(|i| lanes[i] += x[i] * y[i]);
        }
        lanes.iter().sum::<f32>() + rest
    })
}

/// Householder QR in f64 of the output weight W `[C_out, M]`: R, Q'b over R's rows, |b|^2 beyond them.
fn factor(output: &Linear) -> (Vec<f32>, Vec<f32>, f32) {
    let (c, m) = (output.to, output.from);
    let ranks = c.min(m);
    // Column-major, the bias as one more column.
    let mut columns: Vec<Vec<f64>> =
        (0..m).map(|j| (0..c).map(|i| f64::from(output.weight[i * m + j])).collect()).collect();
    columns.push(output.bias.iter().map(|&b| f64::from(b)).collect());
    for k in 0..ranks {
        let (done, rest) = columns.split_at_mut(k + 1);
        let pivot = &mut done[k];
        let norm = pivot[k..].iter().map(|v| v * v).sum::<f64>().sqrt();
        if norm == 0.0 {
            continue;
        }
        let alpha = if pivot[k] > 0.0 { -norm } else { norm };
        let mut v = pivot[k..].to_vec();
        v[0] -= alpha;
        let scale = 2.0 / v.iter().map(|x| x * x).sum::<f64>();
        pivot[k] = alpha;
        pivot[k + 1..].fill(0.0);
        rest.par_iter_mut().with_min_len(64).for_each(|column| {
            let t = scale * v.iter().zip(&column[k..]).map(|(a, b)| a * b).sum::<f64>();
            column[k..].iter_mut().zip(&v).for_each(|(c, v)| *c -= t * v);
        });
    }
    let triangle = (0..ranks).flat_map(|i| (0..m).map(move |j| (i, j))).map(|(i, j)| columns[j][i] as f32).collect();
    let shift = columns[m][..ranks].iter().map(|&v| v as f32).collect();
    let rest = columns[m][ranks..].iter().map(|v| v * v).sum::<f64>() as f32;
    (triangle, shift, rest)
}
