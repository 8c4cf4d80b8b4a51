//! A crossmodal mapping (section 3.2) in the form in which it is evaluated: its last layer occurs only in products with
//! observed features, and as its QR factors.

use super::factor::{Factor, factor};
use super::linear::{linear, transposed};
use crate::model::{LinearWeights, Tensors};

/// `C_in - M - M - C_out`, the last layer replaced.
pub struct FoldedMapping {
    /// First layer, `[M, C_in]`.
    pub input: LinearWeights,
    /// Second layer, `[M, M]`.
    pub projection: LinearWeights,
    /// Last layer's weight transposed, `[M, C_out]`: with it e.E, for an observed feature e and a predicted one E, is a
    /// dot product of hidden units.
    pub output_transposed: Vec<f32>,
    /// Last layer's bias, `[C_out]`.
    pub output_bias: Vec<f32>,
    /// QR factors of the last layer, from which |E|^2 is computed.
    pub factor: Factor,
}

impl FoldedMapping {
    /// Takes the mapping `name` out of `weights`; `hidden` is M.
    pub fn new(name: &str, hidden: usize, c_out: usize, weights: &mut Tensors) -> Self {
        let input = weights.take_linear(&format!("{name}.input"));
        let projection = weights.take_linear(&format!("{name}.projection"));
        let output = linear(weights, &format!("{name}.output"), c_out);
        let output_transposed = transposed(&output.weight, hidden);
        let factor = factor(&output);
        Self { input, projection, output_transposed, output_bias: output.bias, factor }
    }
}
