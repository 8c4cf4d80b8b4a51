//! A crossmodal mapping (section 3.2) and its discrepancy (equation 3), without its last layer.

use super::aligned::row_stride;
use super::elementwise::{add_rows, add_squares, copy, gelu, multiply_add, vectorised};
use super::kernel::Kernel;
use super::layer::Layer;
use super::packed::{Packed, Scratch as ProductScratch};
use super::team::Parts;
use super::workers::{MappingScratch, Scratch, Workers};
use crate::fold::factor::Factor;
use crate::fold::mapping::FoldedMapping;
use crate::model::Tensors;
use crate::spatial::rows::SparseRows;

/// torch.nn.functional.normalize's floor of the norm, squared.
const SQUARED_NORM_MIN: f32 = 1e-24;
/// Bytes of hidden units that a task takes through a layer: twice as many fit the second-level cache.
const TASK_BYTES: usize = 200 << 10;
/// Number of channels that are summed over tokens or groups at a time, in registers.
const CHUNK: usize = 32;
/// Number of tokens in a task that computes one value for each.
const TOKENS_PER_TASK: usize = 64;

/// One modality of a frame: its tokens or groups `[n, C]` and the rows that carry them to pixels.
pub struct Side<'a> {
    pub features: &'a [f32],
    pub rows: &'a SparseRows,
}

/// The kernels that multiply tokens and groups, and those that multiply the many hidden units of pixels.
#[derive(Clone, Copy)]
pub struct Kernels {
    pub tokens: &'static Kernel,
    pub hidden_units: &'static Kernel,
}

/// `C_in - M - M - C_out` with erf GELU after the first two.
pub struct Mapping {
    /// First layer, applied to tokens before interpolation; its bias is added afterwards.
    input: Packed,
    input_bias: Vec<f32>,
    projection: Layer,
    /// Output weight transposed, `[M, C_out]`. With it e.E, for an observed feature e and a predicted one E, is a dot
    /// product of hidden units.
    output_transposed: Packed,
    output_bias: Vec<f32>,
    /// R of the output weight's QR factors, and `shift`, padded to the columns of R's panels.
    triangle: Packed,
    shift: Vec<f32>,
    rest: f32,
}

/// Results that are computed once per frame from all tokens and groups, in buffers that both mappings share.
#[derive(Default)]
pub struct MappingBuffers {
    /// First layer, applied before interpolation, `[n_from, M]`.
    moved: Vec<f32>,
    /// W'f of each observed token, `[n_to, M]`, and f.b, `[n_to]`.
    projected: Vec<f32>,
    offset: Vec<f32>,
}

impl Mapping {
    pub fn new(kernels: Kernels, name: &str, hidden: usize, c_out: usize, weights: &mut Tensors) -> Self {
        let Kernels { tokens, hidden_units } = kernels;
        let FoldedMapping { input, projection, output_transposed, output_bias, factor } =
            FoldedMapping::new(name, hidden, c_out, weights);
        let Factor { triangle, mut shift, rest } = factor;
        let triangle = Packed::triangle(hidden_units, &triangle, shift.len());
        shift.resize(triangle.panels() * triangle.width(), 0.0);
        Self {
            input: Packed::new(tokens, &input.weight, hidden),
            input_bias: input.bias,
            projection: Layer::new(hidden_units, &projection.weight, projection.bias, hidden),
            output_transposed: Packed::new(tokens, &output_transposed, hidden),
            output_bias,
            triangle,
            shift,
            rest,
        }
    }

    /// psi at each of `pixels`: the distance of the unit vectors of M(observed `from`) and observed `to`.
    pub fn discrepancy(
        &self,
        workers: &mut Workers,
        buffers: &mut MappingBuffers,
        from: &Side,
        to: &Side,
        pixels: &[u32],
        psi: &mut [f32],
    ) {
        let m = self.input.to;
        rows_of(&self.input, workers, from.features, &mut buffers.moved);
        rows_of(&self.output_transposed, workers, to.features, &mut buffers.projected);
        let (c_out, bias) = (self.output_bias.len(), &self.output_bias);
        buffers.offset.resize(to.features.len() / c_out, 0.0);
        workers.each_chunk(&mut buffers.offset, TOKENS_PER_TASK, |_, task, offset| {
            let tokens = to.features[task * TOKENS_PER_TASK * c_out..].chunks_exact(c_out);
            offset.iter_mut().zip(tokens).for_each(|(offset, token)| *offset = dot(token, bias));
        });
        let task_pixels = self.triangle.whole_rows(TASK_BYTES / (4 * m)).min(TASK_BYTES);
        let buffers = &*buffers;
        workers.each_chunk(psi, task_pixels, |scratch: &mut Scratch, task, psi| {
            let pixels = &pixels[task * task_pixels..][..psi.len()];
            self.predict((from.rows, &buffers.moved), pixels, &mut scratch.mapping, &mut scratch.product);
            compare(buffers, self.input.to, to, pixels, &scratch.mapping, psi);
        });
    }

    /// Computes the hidden units of the second layer, and |E|^2 of the feature E that is predicted from them.
    fn predict(
        &self,
        from: (&SparseRows, &[f32]),
        pixels: &[u32],
        scratch: &mut MappingScratch,
        product: &mut ProductScratch,
    ) {
        let (m, n) = (self.input.to, pixels.len());
        let stride = row_stride(m);
        let MappingScratch { first, hidden, predicted } = scratch;
        first.resize(n * stride);
        hidden.resize(n * stride);
        first_units(from, pixels, &self.input_bias, (first, stride));
        gelu(first);
        let projection = &self.projection.packed;
        for panels in panels_of(projection) {
            projection.product((first, stride), n, panels, product, |panel, tile| {
                add_rows(tile, self.projection.bias(panel));
                gelu(tile);
                let (column, width) = (panel * projection.width(), projection.width());
                let columns = width.min(m - column);
                for (tile, out) in tile.chunks_exact(width).zip(hidden.chunks_exact_mut(stride)) {
                    copy(&mut out[column..column + columns], tile);
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
}

vectorised! {
    /// Computes the first layer's output for each pixel, before its GELU.
    fn first_units(from: (&SparseRows, &[f32]), pixels: &[u32], bias: &[f32], out: (&mut [f32], usize)) {
        let ((rows, moved), (out, stride)) = (from, out);
        for (&pixel, out) in pixels.iter().zip(out.chunks_exact_mut(stride)) {
            combine::<FUSED>(rows.row(pixel as usize), moved, bias.len(), |at, sum| {
                let bias = &bias[at..][..sum.len()];
                for ((out, sum), bias) in out[at..].iter_mut().zip(sum).zip(bias) {
                    *out = sum + bias;
                }
            });
        }
    }
}

vectorised! {
    /// Computes psi of each pixel from its hidden units and the squared length of the predicted feature.
    fn compare(
        frame: &MappingBuffers,
        m: usize,
        to: &Side,
        pixels: &[u32],
        scratch: &MappingScratch,
        psi: &mut [f32],
    ) {
        let c_out = to.features.len() / frame.offset.len().max(1);
        let hidden = scratch.hidden.chunks_exact(row_stride(m));
        for (((&pixel, psi), hidden), predicted) in pixels.iter().zip(psi).zip(hidden).zip(&scratch.predicted) {
            let row = to.rows.row(pixel as usize);
            let (mut inner, mut observed) = ([0.0f32; CHUNK], [0.0f32; CHUNK]);
            combine::<FUSED>(row, &frame.projected, m, |at, sum| {
                let hidden = &hidden[at..][..sum.len()];
                for ((lane, sum), hidden) in inner.iter_mut().zip(sum).zip(hidden) {
                    *lane = multiply_add::<FUSED>(*sum, *hidden, *lane);
                }
            });
            // For |e|^2, e is computed a chunk of channels at a time and not stored.
            combine::<FUSED>(row, to.features, c_out, |_, sum| {
                for (lane, sum) in observed.iter_mut().zip(sum) {
                    *lane = multiply_add::<FUSED>(*sum, *sum, *lane);
                }
            });
            let [inner, observed] = [inner, observed].map(|lanes| lanes.iter().sum::<f32>());
            let offset: f32 = row.iter().map(|&(k, w)| w * frame.offset[k as usize]).sum();
            *psi = distance(inner + offset, *predicted, observed);
        }
    }
}

/// Applies a layer without bias to every row of x, `[n, from]`.
fn rows_of(packed: &Packed, workers: &mut Workers, x: &[f32], out: &mut Vec<f32>) {
    let n = x.len() / packed.from;
    out.resize(n * packed.to, 0.0);
    let out = Parts::new(out);
    packed.product_parallel(workers, (x, packed.from), n, |place, tile| {
        for (row, tile) in (place.row..).zip(tile.chunks_exact(packed.width())) {
            // SAFETY: the tiles do not overlap, and each is given once.
            let out = unsafe { out.part(row * packed.to + place.column, place.columns) };
            copy(out, tile);
        }
    });
}

/// The panels in ranges of a few, whose tiles stay in cache together.
fn panels_of(packed: &Packed) -> impl Iterator<Item = std::ops::Range<usize>> {
    let (all, some) = (packed.panels(), packed.panels_per_task());
    (0..all).step_by(some).map(move |first| first..all.min(first + some))
}

/// |a/|a| - b/|b|| from a.b, |a|^2 and |b|^2.
fn distance(inner: f32, predicted: f32, observed: f32) -> f32 {
    let cosine = inner / (at_least(SQUARED_NORM_MIN, predicted) * at_least(SQUARED_NORM_MIN, observed)).sqrt();
    at_least(0.0, 2.0 - 2.0 * cosine).sqrt()
}

/// The larger of both, or NaN. `f32::max` would return the floor for a NaN, and a NaN feature would be a perfect match.
fn at_least(floor: f32, value: f32) -> f32 {
    if value < floor { floor } else { value }
}

/// Calls `each` with the weighted sum of rows of `features`, `[n, c]`, a chunk of channels at a time.
#[inline(always)]
fn combine<const FUSED: bool>(row: &[(u32, f32)], features: &[f32], c: usize, mut each: impl FnMut(usize, &[f32])) {
    let whole = c / CHUNK * CHUNK;
    for at in (0..whole).step_by(CHUNK) {
        let mut sum = [0.0f32; CHUNK];
        for &(index, weight) in row {
            let feature = &features[index as usize * c + at..][..CHUNK];
            for (sum, feature) in sum.iter_mut().zip(feature) {
                *sum = multiply_add::<FUSED>(weight, *feature, *sum);
            }
        }
        each(at, &sum);
    }
    if whole < c {
        let mut sum = [0.0f32; CHUNK];
        for &(index, weight) in row {
            let feature = &features[index as usize * c + whole..][..c - whole];
            for (sum, feature) in sum.iter_mut().zip(feature) {
                *sum = multiply_add::<FUSED>(weight, *feature, *sum);
            }
        }
        each(whole, &sum[..c - whole]);
    }
}

fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut lanes = [0.0f32; CHUNK];
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<CHUNK>(), b.as_chunks::<CHUNK>());
    for (a, b) in a.iter().zip(b) {
        (0..CHUNK).for_each(|i| lanes[i] += a[i] * b[i]);
    }
    lanes.iter().sum::<f32>() + a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum::<f32>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unit_vectors_are_as_far_apart_as_their_angle_says() {
        assert_eq!(distance(6.0, 4.0, 9.0), 0.0);
        assert_eq!(distance(0.0, 4.0, 9.0), 2f32.sqrt());
        assert_eq!(distance(-6.0, 4.0, 9.0), 2.0);
        // A feature of length zero counts as perpendicular to every other.
        assert_eq!(distance(0.0, 0.0, 9.0), 2f32.sqrt());
        assert_eq!(distance(6.000_001, 4.0, 9.0), 0.0);
    }

    #[test]
    fn what_is_no_number_is_no_match() {
        for place in 0..3 {
            let mut of = [6.0, 4.0, 9.0];
            of[place] = f32::NAN;
            assert!(distance(of[0], of[1], of[2]).is_nan(), "{of:?}");
        }
    }
}
