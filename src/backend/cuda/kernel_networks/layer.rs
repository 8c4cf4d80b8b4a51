//! Weights of linear layers on the device, in the three forms that the kernels take.

use std::sync::Arc;

use cudarc::driver::{CudaSlice, CudaStream};
use half::f16;

use crate::backend::cuda::error::CudaError;
use crate::backend::cuda::products::{CHUNK, Product, halves};
use crate::fold::linear::Linear;
use crate::shapes::XYZ;

/// The side of the parts of a weight that the matrix units take.
pub const PART: usize = 16;
const LANES: usize = 32;

/// A layer of `products.cu`: weight, halves `[to, from]`, and bias, `[to]`.
pub struct Layer {
    weight: CudaSlice<u16>,
    bias: Option<CudaSlice<f32>>,
    pub from: usize,
    pub to: usize,
}

impl Layer {
    /// Zeros are added up to `from` inputs, rounded up to a multiple of [`CHUNK`], and `to` outputs.
    pub fn new(stream: &Arc<CudaStream>, layer: &Linear, from: usize, to: usize) -> Result<Self, CudaError> {
        let from = from.next_multiple_of(CHUNK);
        let mut bits = vec![0; to * from];
        let rows = layer.weight.chunks_exact(layer.from).zip(bits.chunks_exact_mut(from));
        rows.for_each(|(row, out)| halves(row, layer.from, &mut out[..layer.from.next_multiple_of(CHUNK)]));
        let bias = (!layer.bias.is_empty()).then(|| stream.clone_htod(&with_zeros(&layer.bias, to))).transpose()?;
        Ok(Self { weight: stream.clone_htod(&bits)?, bias, from, to })
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

/// A layer on three coordinates as `group_encoder.cu` takes it: three weights and the bias of each of `to` units, of
/// which those that the layer lacks are zero.
pub fn planes(layer: &Linear, to: usize) -> Vec<f32> {
    assert_eq!(layer.from, XYZ);
    let units = layer.weight.as_chunks::<XYZ>().0.iter().zip(&layer.bias);
    with_zeros(&units.flat_map(|(&[x, y, z], &shift)| [x, y, z, shift]).collect::<Vec<_>>(), to * (XYZ + 1))
}

/// A weight as `group_encoder.cu` takes it: parts of 16 x 16, row after row, zeros beyond either edge. Each part is as
/// `multiply_add` (`instructions.cuh`) has it: 32 lanes of 8 halves.
pub fn fragments(layer: &Linear) -> Vec<u16> {
    let at = |row: usize, column: usize| {
        let there = row < layer.to && column < layer.from;
        f16::from_f32(if there { layer.weight[row * layer.from + column] } else { 0.0 }).to_bits()
    };
    let (parts, steps) = (layer.to.div_ceil(PART), layer.from.div_ceil(PART));
    let mut bits = Vec::with_capacity(parts * steps * PART * PART);
    for part in 0..parts {
        for step in 0..steps {
            for lane in 0..LANES {
                for quarter in 0..4 {
                    let row = part * PART + quarter / 2 * 8 + lane / 4;
                    let column = step * PART + quarter % 2 * 8 + lane % 4 * 2;
                    bits.extend([at(row, column), at(row, column + 1)]);
                }
            }
        }
    }
    bits
}
