//! Linear layers of the networks and of the mappings on the device.

use std::sync::Arc;

use cudarc::driver::{CudaSlice, CudaStream};

use super::error::CudaError;
use super::products::{Product, halves};
use crate::backend::kernel_sizes::padded;
use crate::fold::linear::Linear;

/// A layer of `products.cu`: weight, halves `[to, from]`, and bias, `[to]`.
pub struct Layer {
    weight: CudaSlice<u16>,
    bias: Option<CudaSlice<f32>>,
    pub from: usize,
    pub to: usize,
}

impl Layer {
    /// Zeros are added up to `from` inputs, [`padded`], and `to` outputs.
    pub fn new(stream: &Arc<CudaStream>, layer: &Linear, from: usize, to: usize) -> Result<Self, CudaError> {
        let from = padded(from);
        let mut bits = vec![0; to * from];
        let rows = layer.weight.chunks_exact(layer.from).zip(bits.chunks_exact_mut(from));
        rows.for_each(|(row, out)| halves(row, layer.from, &mut out[..padded(layer.from)]));
        let bias = (!layer.bias.is_empty()).then(|| stream.clone_htod(&with_zeros(&layer.bias, to))).transpose()?;
        Ok(Self { weight: stream.clone_htod(&bits)?, bias, from, to })
    }

    pub fn bytes(&self) -> usize {
        self.weight.num_bytes() + self.bias.as_ref().map_or(0, CudaSlice::num_bytes)
    }

    /// The layer on `rows` rows of x, halves `[rows, from]`.
    pub fn on<'a>(&'a self, x: &'a CudaSlice<u16>, rows: usize) -> Product<'a> {
        Product { bias: self.bias.as_ref(), ..Product::plain(x, &self.weight, [rows, self.from, self.to]) }
    }
}

/// `values` with zeros up to `len`.
pub fn with_zeros(values: &[f32], len: usize) -> Vec<f32> {
    let mut values = values.to_vec();
    values.resize(len, 0.0);
    values
}
