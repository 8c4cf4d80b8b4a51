//! The distance of unit vectors (equation 3), without evaluating a mapping's last layer.

use super::combine::{CHUNK, combine};
use super::side::{Kernels, Side, rows_of};
use crate::backend::cpu::aligned::row_stride;
use crate::backend::cpu::elementwise::{add_squares, multiply_add, vectorised};
use crate::backend::cpu::packed::{Packed, Scratch as ProductScratch};
use crate::backend::cpu::workers::{MappingScratch, Workers};
use crate::fold::factor::Factor;
use crate::fold::mapping::FoldedOutput;

/// torch.nn.functional.normalize's floor of the norm, squared.
const SQUARED_NORM_MIN: f32 = 1e-24;
/// Number of tokens in a task that computes one value for each.
const TOKENS_PER_TASK: usize = 64;

/// A mapping's last layer, folded.
pub struct CosineHead {
    /// Output weight transposed, `[M, C_out]`. With it e.E, for an observed feature e and a predicted one E, is a dot
    /// product of hidden units.
    output_transposed: Packed,
    output_bias: Vec<f32>,
    /// R of the output weight's QR factors, and `shift`, padded to the columns of R's panels.
    triangle: Packed,
    shift: Vec<f32>,
    rest: f32,
}

/// Results that are computed once per frame from the observed tokens or groups.
#[derive(Default)]
pub struct CosineBuffers {
    /// W'f of each observed token, `[n_to, M]`, and f.b, `[n_to]`.
    projected: Vec<f32>,
    offset: Vec<f32>,
}

impl CosineHead {
    pub fn new(kernels: Kernels, output: FoldedOutput, hidden: usize) -> Self {
        let FoldedOutput { output_transposed, output_bias, factor } = output;
        let Factor { triangle, mut shift, rest } = factor;
        let triangle = Packed::triangle(kernels.hidden_units, &triangle, shift.len());
        shift.resize(triangle.panels() * triangle.width(), 0.0);
        Self {
            output_transposed: Packed::new(kernels.tokens, &output_transposed, hidden),
            output_bias,
            triangle,
            shift,
            rest,
        }
    }

    /// Derives from the observed tokens or groups of a frame what [`Self::compare`] needs.
    pub fn begin(&self, workers: &mut Workers, to: &Side, buffers: &mut CosineBuffers) {
        rows_of(&self.output_transposed, workers, to.features, &mut buffers.projected);
        let (c_out, bias) = (self.output_bias.len(), &self.output_bias);
        buffers.offset.resize(to.features.len() / c_out, 0.0);
        workers.each_chunk(&mut buffers.offset, TOKENS_PER_TASK, |_, task, offset| {
            let tokens = to.features[task * TOKENS_PER_TASK * c_out..].chunks_exact(c_out);
            offset.iter_mut().zip(tokens).for_each(|(offset, token)| *offset = dot(token, bias));
        });
    }

    /// Computes psi of each pixel from its hidden units.
    pub fn compare(
        &self,
        buffers: &CosineBuffers,
        to: &Side,
        pixels: &[u32],
        (scratch, product): (&mut MappingScratch, &mut ProductScratch),
        psi: &mut [f32],
    ) {
        let (m, n) = (self.triangle.from, pixels.len());
        let MappingScratch { hidden, predicted, .. } = &mut *scratch;
        predicted.clear();
        predicted.resize(n, self.rest);
        for panels in self.triangle.panel_ranges() {
            self.triangle.product((hidden, row_stride(m)), n, panels, product, |panel, tile| {
                let width = self.triangle.width();
                add_squares(tile, &self.shift[panel * width..][..width], predicted);
            });
        }
        distances(buffers, m, to, pixels, scratch, psi);
    }
}

vectorised! {
    /// Computes psi of each pixel from its hidden units and the squared length of the predicted feature.
    fn distances(
        frame: &CosineBuffers,
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
            combine::<FUSED>(row, &frame.projected, m, 0..m, |at, sum| {
                let hidden = &hidden[at..][..sum.len()];
                for ((lane, sum), hidden) in inner.iter_mut().zip(sum).zip(hidden) {
                    *lane = multiply_add::<FUSED>(*sum, *hidden, *lane);
                }
            });
            // For |e|^2, e is computed a chunk of channels at a time and not stored.
            combine::<FUSED>(row, to.features, c_out, 0..c_out, |_, sum| {
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

/// |a/|a| - b/|b|| from a.b, |a|^2 and |b|^2.
fn distance(inner: f32, predicted: f32, observed: f32) -> f32 {
    let cosine = inner / (at_least(SQUARED_NORM_MIN, predicted) * at_least(SQUARED_NORM_MIN, observed)).sqrt();
    at_least(0.0, 2.0 - 2.0 * cosine).sqrt()
}

/// The larger of both, or NaN. `f32::max` would return the floor for a NaN, and a NaN feature would be a perfect match.
fn at_least(floor: f32, value: f32) -> f32 {
    if value < floor { floor } else { value }
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
