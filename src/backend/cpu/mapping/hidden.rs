//! The hidden units of a mapping: its first two layers.

use super::combine::combine;
use super::side::{Kernels, Side, rows_of};
use crate::backend::cpu::aligned::row_stride;
use crate::backend::cpu::elementwise::{add_rows, copy, gelu, vectorised};
use crate::backend::cpu::layer::Layer;
use crate::backend::cpu::packed::{Packed, Scratch as ProductScratch};
use crate::backend::cpu::workers::{MappingScratch, Workers};
use crate::fold::mapping::HiddenLayers;
use crate::spatial::rows::SparseRows;

/// `C_in - M - M` with erf GELU after both.
pub struct HiddenUnits {
    /// First layer, applied to tokens before interpolation; its bias is added afterwards.
    input: Packed,
    input_bias: Vec<f32>,
    projection: Layer,
}

impl HiddenUnits {
    pub fn new(kernels: Kernels, layers: HiddenLayers, hidden: usize) -> Self {
        let HiddenLayers { input, projection } = layers;
        Self {
            input: Packed::new(kernels.tokens, &input.weight, hidden),
            input_bias: input.bias,
            projection: Layer::new(kernels.hidden_units, &projection.weight, projection.bias, hidden),
        }
    }

    /// M.
    pub fn count(&self) -> usize {
        self.input.to
    }

    /// Number of pixels near `about` that leaves no tile of the kernel half empty.
    pub fn whole_rows(&self, about: usize) -> usize {
        self.projection.packed.whole_rows(about)
    }

    /// Applies the first layer to the tokens or groups of a frame, `moved` `[n, M]`.
    pub fn begin(&self, workers: &mut Workers, from: &Side, moved: &mut Vec<f32>) {
        rows_of(&self.input, workers, from.features, moved);
    }

    /// Computes the hidden units of `pixels` into `scratch.hidden`, `[n, M]` at [`row_stride`], from what [`Self::begin`]
    /// has made of the frame.
    pub fn compute(
        &self,
        (rows, moved): (&SparseRows, &[f32]),
        pixels: &[u32],
        scratch: &mut MappingScratch,
        product: &mut ProductScratch,
    ) {
        let (m, n) = (self.count(), pixels.len());
        let stride = row_stride(m);
        let MappingScratch { first, hidden, .. } = scratch;
        first.resize(n * stride);
        hidden.resize(n * stride);
        first_units((rows, moved), pixels, &self.input_bias, (first, stride));
        gelu(first);
        let projection = &self.projection.packed;
        for panels in projection.panel_ranges() {
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
    }
}

vectorised! {
    /// Computes the first layer's output for each pixel, before its GELU.
    fn first_units(from: (&SparseRows, &[f32]), pixels: &[u32], bias: &[f32], out: (&mut [f32], usize)) {
        let ((rows, moved), (out, stride)) = (from, out);
        let m = bias.len();
        for (&pixel, out) in pixels.iter().zip(out.chunks_exact_mut(stride)) {
            combine::<FUSED>(rows.row(pixel as usize), moved, m, 0..m, |at, sum| {
                let bias = &bias[at..][..sum.len()];
                for ((out, sum), bias) in out[at..].iter_mut().zip(sum).zip(bias) {
                    *out = sum + bias;
                }
            });
        }
    }
}
