//! A crossmodal mapping (section 3.2) in the form in which it is evaluated: its last layer occurs only in products with
//! observed features, and as its QR factors.

use super::factor::{Factor, factor};
use super::linear::{linear, transposed};
use crate::model::{LinearWeights, Tensors};

/// The first two layers of a mapping.
pub struct HiddenLayers {
    /// First layer, `[M, C_in]`.
    pub input: LinearWeights,
    /// Second layer, `[M, M]`.
    pub projection: LinearWeights,
}

impl HiddenLayers {
    /// Takes the layers of the mapping `name` out of `weights`.
    pub fn new(name: &str, weights: &mut Tensors) -> Self {
        let mut layer = |leaf| weights.take_linear(&format!("{name}.{leaf}"));
        Self { input: layer("input"), projection: layer("projection") }
    }
}

/// The last layer of a mapping, `[C_out, M]`, as the distance of unit vectors needs it.
pub struct FoldedOutput {
    /// Its weight transposed, `[M, C_out]`: with it e.E, for an observed feature e and a predicted one E, is a dot product
    /// of hidden units.
    pub output_transposed: Vec<f32>,
    /// Its bias, `[C_out]`.
    pub output_bias: Vec<f32>,
    /// Its QR factors, from which |E|^2 is computed.
    pub factor: Factor,
}

impl FoldedOutput {
    /// Takes the last layer of the mapping `name` out of `weights`; sizes are M and C_out.
    pub fn new(name: &str, [m, c_out]: [usize; 2], weights: &mut Tensors) -> Self {
        let output = linear(weights, &format!("{name}.output"), c_out);
        let output_transposed = transposed(&output.weight, m);
        let factor = factor(&output);
        Self { output_transposed, output_bias: output.bias, factor }
    }
}
