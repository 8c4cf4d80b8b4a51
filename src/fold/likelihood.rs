//! The heads of a mapping that is scored by likelihood ([`crate::model::Score::Likelihood`]), in the form in which they are
//! evaluated.

use super::linear::{Linear, linear};
use crate::model::{MEAN_VARIANCE, Tensors};

/// The logarithm of a channel's variance is kept within these, whatever a mapping predicts.
pub const LOG_VARIANCE: [f32; 2] = [-6.0, 4.0];
/// Weight of a channel's mean variance beside the predicted one. It keeps a channel that was nearly constant on the good
/// parts of a fit from deciding alone. Chosen on the family of reliefs (docs/results.md).
const MEAN_SHARE: f32 = 0.3;

/// The last layers of a mapping: of hidden units h, the predicted feature is `W h + b` and the variance of its channels
/// `exp(clamp(V h + c)) + floor`.
pub struct LikelihoodHeads {
    /// W `[C_out, M]` and b.
    pub mean: Linear,
    /// V `[C_out, M]` and c, which contains the predicted variance's own weight.
    pub log_variance: Linear,
    /// Bounds of `V h + c`.
    pub bounds: [f32; 2],
    /// `[C_out]`.
    pub floor: Vec<f32>,
}

impl LikelihoodHeads {
    /// Takes the heads of the mapping `name` out of `weights`. The variance is the weighted mean of the predicted one and
    /// of the channel's mean over good parts.
    pub fn new(name: &str, c_out: usize, weights: &mut Tensors) -> Self {
        let mean = linear(weights, &format!("{name}.output"), c_out);
        let mut log_variance = linear(weights, &format!("{name}.variance"), c_out);
        let mut floor = weights.take_f32(&format!("{name}.{MEAN_VARIANCE}"));
        let shift = -(1.0 + MEAN_SHARE).ln();
        log_variance.bias.iter_mut().for_each(|c| *c += shift);
        floor.iter_mut().for_each(|mean| *mean *= MEAN_SHARE / (1.0 + MEAN_SHARE));
        Self { mean, log_variance, bounds: LOG_VARIANCE.map(|bound| bound + shift), floor }
    }
}
