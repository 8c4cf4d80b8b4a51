//! A crossmodal mapping (section 3.2) and its discrepancy (equation 3), without its last layer.

use super::aligned::{Aligned, row_stride};
use super::elementwise::{add_rows, add_squares, gelu, multiply_add, vectorised};
use super::factor::{Factor, factor};
use super::interpolate::SparseRows;
use super::kernel::Kernel;
use super::linalg::linear;
use super::packed::{Layer, Packed, Scratch as ProductScratch};
use super::team::Parts;
use super::{Scratch, Workers};
use crate::model::Weights;

/// Bytes of hidden units that a task takes through a layer: twice as much stays in the second-level cache.
const TASK_BYTES: usize = 200 << 10;
/// Channels that a sum of tokens or groups takes at a time, in registers.
const CHUNK: usize = 32;
/// Tokens of a task where a value of each is computed.
const TOKENS_PER_TASK: usize = 64;

/// One modality of a frame: its tokens or groups `[n, C]` and the rows that carry them to pixels.
pub struct Side<'a> {
    pub features: &'a [f32],
    pub rows: &'a SparseRows,
}

/// `C_in - M - M - C_out` with erf GELU after the first two.
pub struct Mapping {
    /// Applied to tokens, before interpolation; its bias is added after.
    input: Packed,
    input_bias: Vec<f32>,
    projection: Layer,
    /// Output weight transposed, `[M, C_out]`: makes e.E a dot product of hidden units.
    output_transposed: Packed,
    output_bias: Vec<f32>,
    /// R of the output weight, and `shift` as long as its panels.
    triangle: Packed,
    shift: Vec<f32>,
    rest: f32,
    /// First layer applied before interpolation, `[n_from, M]`.
    moved: Vec<f32>,
    /// W'f of each observed token, `[n_to, M]`, and f.b, `[n_to]`.
    projected: Vec<f32>,
    offset: Vec<f32>,
}

/// One thread's pixels.
#[derive(Default)]
pub struct MappingScratch {
    first: Aligned,
    hidden: Aligned,
    /// |E|^2 of each pixel.
    predicted: Vec<f32>,
}

impl Mapping {
    pub fn new(kernel: &'static Kernel, name: &str, hidden: usize, c_out: usize, weights: &mut Weights) -> Self {
        let input = linear(weights, &format!("{name}.input"), hidden);
        let projection = linear(weights, &format!("{name}.projection"), hidden);
        let output = linear(weights, &format!("{name}.output"), c_out);
        let transposed: Vec<f32> =
            (0..hidden).flat_map(|m| output.weight.iter().skip(m).step_by(hidden)).copied().collect();
        let Factor { triangle, mut shift, rest } = factor(&output);
        let triangle = Packed::triangle(kernel, &triangle, shift.len());
        shift.resize(triangle.panels() * triangle.width(), 0.0);
        Self {
            input: Packed::new(kernel, &input.weight, hidden),
            input_bias: input.bias,
            projection: Layer::new(kernel, &projection.weight, projection.bias, hidden),
            output_transposed: Packed::new(kernel, &transposed, hidden),
            output_bias: output.bias,
            triangle,
            shift,
            rest,
            moved: Vec::new(),
            projected: Vec::new(),
            offset: Vec::new(),
        }
    }

    /// psi at each of `pixels`: the distance of the unit vectors of M(observed `from`) and observed `to`.
    pub fn discrepancy(&mut self, workers: &mut Workers, from: &Side, to: &Side, pixels: &[u32], psi: &mut [f32]) {
        let m = self.input.to;
        rows_of(&self.input, workers, from.features, &mut self.moved);
        rows_of(&self.output_transposed, workers, to.features, &mut self.projected);
        let (c_out, bias) = (self.output_bias.len(), &self.output_bias);
        self.offset.resize(to.features.len() / c_out, 0.0);
        workers.each_chunk(&mut self.offset, TOKENS_PER_TASK, |_, task, offset| {
            let tokens = to.features[task * TOKENS_PER_TASK * c_out..].chunks_exact(c_out);
            vectorised(|_| offset.iter_mut().zip(tokens).for_each(|(offset, token)| *offset = dot(token, bias)));
        });
        let task_pixels = self.triangle.whole_rows(TASK_BYTES / (4 * m)).min(TASK_BYTES);
        let mapping = &*self;
        workers.each_chunk(psi, task_pixels, |scratch: &mut Scratch, task, psi| {
            let pixels = &pixels[task * task_pixels..][..psi.len()];
            mapping.predict(from.rows, pixels, &mut scratch.mapping, &mut scratch.product);
            vectorised(|fused| {
                if fused {
                    mapping.compare::<true>(to, pixels, &scratch.mapping, psi);
                } else {
                    mapping.compare::<false>(to, pixels, &scratch.mapping, psi);
                }
            });
        });
    }

    /// The hidden units of the second layer, and the squared length of what is predicted from them.
    fn predict(&self, from: &SparseRows, pixels: &[u32], scratch: &mut MappingScratch, product: &mut ProductScratch) {
        let (m, n) = (self.input.to, pixels.len());
        let stride = row_stride(m);
        let MappingScratch { first, hidden, predicted } = scratch;
        first.resize(n * stride);
        hidden.resize(n * stride);
        vectorised(|fused| {
            for (&pixel, out) in pixels.iter().zip(first.chunks_exact_mut(stride)) {
                let (row, out) = (from.row(pixel as usize), &mut out[..m]);
                let add = |at: usize, sum: &[f32]| {
                    let bias = &self.input_bias[at..][..sum.len()];
                    out[at..].iter_mut().zip(sum.iter().zip(bias)).for_each(|(out, (s, b))| *out = s + b);
                };
                if fused {
                    combine::<true>(row, &self.moved, m, add);
                } else {
                    combine::<false>(row, &self.moved, m, add);
                }
            }
        });
        gelu(first);
        let projection = &self.projection.packed;
        for panels in panels_of(projection) {
            projection.product((first, stride), n, panels, product, |panel, tile| {
                add_rows(tile, self.projection.bias(panel));
                gelu(tile);
                let (column, width) = (panel * projection.width(), projection.width());
                let columns = width.min(m - column);
                for (tile, out) in tile.chunks_exact(width).zip(hidden.chunks_exact_mut(stride)) {
                    out[column..column + columns].copy_from_slice(&tile[..columns]);
                }
            });
        }
        predicted.clear();
        predicted.resize(n, self.rest);
        for panels in panels_of(&self.triangle) {
            self.triangle.product((hidden, stride), n, panels, product, |panel, tile| {
                let width = self.triangle.width();
                add_squares(tile, &self.shift[panel * width..][..width], predicted);
            });
        }
    }

    #[inline(always)]
    fn compare<const FUSED: bool>(&self, to: &Side, pixels: &[u32], scratch: &MappingScratch, psi: &mut [f32]) {
        let (m, c_out) = (self.input.to, self.output_bias.len());
        let hidden = scratch.hidden.chunks_exact(row_stride(m));
        for (((&pixel, psi), hidden), predicted) in pixels.iter().zip(psi).zip(hidden).zip(&scratch.predicted) {
            let row = to.rows.row(pixel as usize);
            let mut lanes = [[0.0f32; CHUNK]; 2];
            combine::<FUSED>(row, &self.projected, m, |at, sum| {
                let hidden = &hidden[at..][..sum.len()];
                lanes[0].iter_mut().zip(sum.iter().zip(hidden)).for_each(|(lane, (s, h))| *lane += s * h);
            });
            // |e|^2: e is made a chunk at a time and forgotten.
            combine::<FUSED>(row, to.features, c_out, |_, sum| {
                lanes[1].iter_mut().zip(sum).for_each(|(lane, s)| *lane += s * s);
            });
            let [inner, observed] = lanes.map(|lanes| lanes.iter().sum::<f32>());
            let offset: f32 = row.iter().map(|&(k, w)| w * self.offset[k as usize]).sum();
            *psi = distance(inner + offset, *predicted, observed);
        }
    }
}

/// Every row of x, `[n, from]`, through a layer without bias.
fn rows_of(packed: &Packed, workers: &mut Workers, x: &[f32], out: &mut Vec<f32>) {
    let n = x.len() / packed.from;
    out.resize(n * packed.to, 0.0);
    let out = Parts::new(out);
    packed.product_parallel(workers, (x, packed.from), n, |place, tile| {
        for (row, tile) in (place.row..).zip(tile.chunks_exact(packed.width())) {
            // SAFETY: places do not overlap, and each is given once.
            let out = unsafe { out.part(row * packed.to + place.column, place.columns) };
            out.copy_from_slice(&tile[..place.columns]);
        }
    });
}

/// Panels a few at a time, so that their tiles stay in cache.
fn panels_of(packed: &Packed) -> impl Iterator<Item = std::ops::Range<usize>> {
    let (all, some) = (packed.panels(), packed.panels_per_task());
    (0..all).step_by(some).map(move |first| first..all.min(first + some))
}

/// |a/|a| - b/|b|| from a.b, |a|^2 and |b|^2.
fn distance(inner: f32, predicted: f32, observed: f32) -> f32 {
    // torch.nn.functional.normalize's floor of the norm, squared.
    let cosine = inner / (predicted.max(1e-24) * observed.max(1e-24)).sqrt();
    let squared = 2.0 - 2.0 * cosine;
    // Not `max`, which would make a NaN a perfect match.
    if squared < 0.0 { 0.0 } else { squared.sqrt() }
}

/// Gives `each` the weighted sum of rows of `features`, `[n, c]`, a chunk of channels at a time.
#[inline(always)]
fn combine<const FUSED: bool>(row: &[(u32, f32)], features: &[f32], c: usize, mut each: impl FnMut(usize, &[f32])) {
    let whole = c / CHUNK * CHUNK;
    for at in (0..whole).step_by(CHUNK) {
        let mut sum = [0.0f32; CHUNK];
        for &(index, weight) in row {
            let feature = &features[index as usize * c + at..][..CHUNK];
            sum.iter_mut().zip(feature).for_each(|(s, f)| *s = multiply_add::<FUSED>(weight, *f, *s));
        }
        each(at, &sum);
    }
    if whole < c {
        let mut sum = [0.0f32; CHUNK];
        for &(index, weight) in row {
            let feature = &features[index as usize * c + whole..][..c - whole];
            sum.iter_mut().zip(feature).for_each(|(s, f)| *s = multiply_add::<FUSED>(weight, *f, *s));
        }
        each(whole, &sum[..c - whole]);
    }
}

#[inline(always)]
fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut lanes = [0.0f32; CHUNK];
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<CHUNK>(), b.as_chunks::<CHUNK>());
    for (a, b) in a.iter().zip(b) {
        (0..CHUNK).for_each(|i| lanes[i] += a[i] * b[i]);
    }
    lanes.iter().sum::<f32>() + a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum::<f32>()
}
