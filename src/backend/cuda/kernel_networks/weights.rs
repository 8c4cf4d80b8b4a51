//! The two forms in which `group_encoder.cu` takes the weights of a layer.

use half::f16;

use crate::backend::cuda::layer::with_zeros;
use crate::fold::linear::Linear;
use crate::shapes::XYZ;

/// The side of the parts of a weight that the matrix units take.
pub const PART: usize = 16;
const LANES: usize = 32;

/// A layer on three coordinates: three weights and the bias of each of `to` units, of
/// which those that the layer lacks are zero.
pub fn planes(layer: &Linear, to: usize) -> Vec<f32> {
    assert_eq!(layer.from, XYZ);
    let units = layer.weight.as_chunks::<XYZ>().0.iter().zip(&layer.bias);
    with_zeros(&units.flat_map(|(&[x, y, z], &shift)| [x, y, z, shift]).collect::<Vec<_>>(), to * (XYZ + 1))
}

/// A weight: parts of 16 x 16, row after row, zeros beyond either edge. Each part is as
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
