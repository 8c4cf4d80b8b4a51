//! The distance of a feature from its prediction in units of the variance that the mapping expects
//! ([`crate::model::Score::Likelihood`]). Predictions, variances and observed features exist a panel of channels at a time.

use super::combine::combine;
use super::side::{Kernels, Side};
use crate::backend::cpu::aligned::row_stride;
use crate::backend::cpu::elementwise::{exponential, vectorised};
use crate::backend::cpu::packed::{Packed, Scratch as ProductScratch};
use crate::backend::cpu::workers::MappingScratch;
use crate::fold::likelihood::LikelihoodHeads;

/// A mapping's heads, packed in pairs of panels: the means of some channels, then the logarithms of their variances.
pub struct LikelihoodHead {
    heads: Packed,
    /// For each panel, padded to its columns.
    bias: Vec<f32>,
    floor: Vec<f32>,
    bounds: [f32; 2],
    c_out: usize,
}

impl LikelihoodHead {
    pub fn new(kernels: Kernels, heads: LikelihoodHeads) -> Self {
        let LikelihoodHeads { mean, log_variance, bounds, floor } = heads;
        let (c_out, m, width) = (mean.to, mean.from, kernels.hidden_units.columns);
        let (mut weight, mut bias) = (Vec::new(), Vec::new());
        for first in (0..c_out).step_by(width) {
            let channels = first..c_out.min(first + width);
            for head in [&mean, &log_variance] {
                weight.extend_from_slice(&head.weight[channels.start * m..channels.end * m]);
                bias.extend_from_slice(&head.bias[channels.clone()]);
                let padded = bias.len().next_multiple_of(width);
                weight.resize(padded * m, 0.0);
                bias.resize(padded, 0.0);
            }
        }
        Self { heads: Packed::new(kernels.hidden_units, &weight, bias.len()), bias, floor, bounds, c_out }
    }

    /// Computes the distance of each pixel from its hidden units.
    pub fn compare(
        &self,
        to: &Side,
        pixels: &[u32],
        (scratch, product): (&mut MappingScratch, &mut ProductScratch),
        psi: &mut [f32],
    ) {
        let (width, stride) = (self.heads.width(), row_stride(self.heads.from));
        let MappingScratch { hidden, squares, .. } = scratch;
        squares.resize(pixels.len() * width);
        psi.fill(0.0);
        for pair in 0..self.heads.panels() / 2 {
            let first = pair * width;
            let channels = first..self.c_out.min(first + width);
            self.heads.product((hidden, stride), pixels.len(), 2 * pair..2 * pair + 2, product, |panel, tile| {
                let bias = &self.bias[panel * width..][..channels.len()];
                if panel % 2 == 0 {
                    squared_differences((to, self.c_out, first), pixels, (tile, bias), squares);
                } else {
                    add_quotients((tile, bias), (&self.floor[channels.clone()], self.bounds), squares, psi);
                }
            });
        }
        let scale = 1.0 / self.c_out as f32;
        psi.iter_mut().for_each(|psi| *psi *= scale);
    }
}

vectorised! {
    /// Writes the squared differences of predicted and observed channels to `out`, whose rows are as long as those of the
    /// tile: `of` is what was observed, its number of channels and the first channel of the tile.
    fn squared_differences(of: (&Side, usize, usize), pixels: &[u32], tile: (&[f32], &[f32]), out: &mut [f32]) {
        let ((to, c_out, first), (tile, bias)) = (of, tile);
        let width = tile.len() / pixels.len().max(1);
        let rows = tile.chunks_exact(width).zip(out.chunks_exact_mut(width));
        for (&pixel, (mean, out)) in pixels.iter().zip(rows) {
            let channels = first..first + bias.len();
            combine::<FUSED>(to.rows.row(pixel as usize), to.features, c_out, channels, |at, observed| {
                let at = at - first;
                let predicted = mean[at..].iter().zip(&bias[at..]);
                for ((out, observed), (mean, bias)) in out[at..].iter_mut().zip(observed).zip(predicted) {
                    let difference = mean + bias - observed;
                    *out = difference * difference;
                }
            });
        }
    }
}

vectorised! {
    /// Adds the squares of each pixel, divided by their variances, to its sum.
    fn add_quotients(tile: (&[f32], &[f32]), variance: (&[f32], [f32; 2]), squares: &[f32], sums: &mut [f32]) {
        const LANES: usize = 16;
        let ((tile, bias), (floor, [low, high])) = (tile, variance);
        let width = tile.len() / sums.len().max(1);
        // The exponential that is vectorised takes no positive numbers.
        let scale = high.exp();
        let quotient = |((log_variance, bias), (square, floor)): ((&f32, &f32), (&f32, &f32))| {
            // Hidden units that are no numbers are in the squares too, so that such a pixel is no match.
            let log_variance = log_variance + bias;
            let above = if log_variance > low { log_variance } else { low };
            let clamped = if above < high { above } else { high };
            square / (scale * exponential::<FUSED>(clamped - high) + floor)
        };
        for ((tile, squares), sum) in tile.chunks_exact(width).zip(squares.chunks_exact(width)).zip(sums) {
            let mut lanes = [0.0f32; LANES];
            let mut at = 0;
            while at < floor.len() {
                let end = floor.len().min(at + LANES);
                let parts = tile[at..end].iter().zip(&bias[at..end]).zip(squares[at..end].iter().zip(&floor[at..end]));
                lanes.iter_mut().zip(parts).for_each(|(lane, part)| *lane += quotient(part));
                at = end;
            }
            *sum += lanes.iter().sum::<f32>();
        }
    }
}
