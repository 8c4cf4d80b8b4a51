//! Learning of the mappings (section 3.2): what a machine does for a fit, and the optimiser's clock.

use std::collections::BTreeMap;
use std::f64::consts::PI;

use super::BackendError;
use crate::model::MappingWeights;

/// Adam's decay rates of the first and the second moment (Kingma and Ba, 2015).
pub const BETA: [f64; 2] = [0.9, 0.999];
/// Adam's term that keeps the divisor from zero.
pub const EPSILON: f32 = 1e-8;
/// The paper's learning rate (section 4).
const LEARNING_RATE: f64 = 1e-3;
/// The smallest norm that a vector is divided by, as in torch.nn.functional.normalize.
pub const NORM_FLOOR: f32 = 1e-12;
/// The names of a mapping's layers, from the input to the output. The last one belongs to a likelihood only: beside the
/// output it predicts the logarithm of the variance.
pub const LAYERS: [&str; 4] = ["input", "projection", "output", "variance"];

/// The features of n pixels, a row for each pixel: `[n, C_RGB]` and `[n, C_XYZ]`.
#[derive(Clone, Debug, Default)]
pub struct Pixels {
    pub rgb: Vec<f32>,
    pub xyz: Vec<f32>,
}

/// The tensors that a learner keeps from step to step, under the names that [`tensor_names`] gives.
pub type LearnerState = BTreeMap<String, Vec<f32>>;

/// Both mappings while they learn. Their weights and the optimiser's moments stay in the machine's memory.
pub trait Learner {
    /// Takes one step of Adam on the loss of `batch` (equation 2).
    fn step(&mut self, batch: &Pixels, adam: &Adam) -> Result<(), BackendError>;
    /// Returns the sum of the losses of the steps since the last call, each computed before its step.
    fn take_loss(&mut self) -> Result<f64, BackendError>;
    /// The loss of `pixels` (equation 2): the sum of both mappings' means of `1 - cos`.
    fn loss(&mut self, pixels: &Pixels) -> Result<f64, BackendError>;
    /// The current weights of both mappings, by name.
    fn weights(&self) -> Result<MappingWeights, BackendError>;
    /// Every tensor that the next step depends on, by the names of [`tensor_names`].
    fn state(&self) -> Result<LearnerState, BackendError>;
    /// Names and lengths of the tensors that [`Self::state`] returns.
    fn shapes(&self) -> Vec<(String, usize)>;
    /// Replaces each tensor of [`Self::shapes`] by the one in `state`, which has them all, and removes it from `state`.
    fn replace(&mut self, state: &mut LearnerState) -> Result<(), BackendError>;

    /// Restores a state that [`Self::state`] returned on this or another machine, and takes its tensors out of `state`.
    /// Returns false and changes nothing if a tensor is missing or has another length.
    fn restore(&mut self, state: &mut LearnerState) -> Result<bool, BackendError> {
        let fits = |(name, length): &(String, usize)| state.get(name).is_some_and(|v| v.len() == *length);
        if !self.shapes().iter().all(fits) {
            return Ok(false);
        }
        self.replace(state).map(|()| true)
    }
}

/// Takes the tensor `name` out of a mapping's weights or a learner's state. Panics if there is no such tensor.
pub fn take(tensors: &mut BTreeMap<String, Vec<f32>>, name: &str) -> Vec<f32> {
    tensors.remove(name).unwrap_or_else(|| unreachable!("the mappings have no tensor {name}"))
}

/// The names of the tensors that a layer keeps from step to step: weight and bias, the running means of the weight's
/// gradient and of its square, and the same means for the bias.
pub fn tensor_names(mapping: &str, leaf: &str) -> [String; 6] {
    ["weight", "bias", "weight.first", "weight.second", "bias.first", "bias.second"]
        .map(|tensor| format!("{mapping}.{leaf}.{tensor}"))
}

/// The optimiser's clock: it counts steps, and computes the bias corrections of a step, which all weights share.
#[derive(Clone, Copy, Debug, Default)]
pub struct Adam {
    steps: i32,
    rate: f32,
    root_correction: f32,
    /// The steps over which the rate falls to 0; none where it stays.
    decays_over: Option<i32>,
}

impl Adam {
    /// The number of steps begun.
    pub fn steps(&self) -> i32 {
        self.steps
    }

    /// The learning rate, corrected for the first moment's start at zero.
    pub fn rate(&self) -> f32 {
        self.rate
    }

    /// The divisor of the second moment's square root, which corrects for the moment's start at zero.
    pub fn root_correction(&self) -> f32 {
        self.root_correction
    }

    /// A clock whose rate falls to 0 over `steps` steps, as half a period of a cosine does.
    pub fn decaying(steps: i32) -> Self {
        Self { decays_over: Some(steps), ..Self::default() }
    }

    /// This clock once `steps` steps are taken.
    pub fn after(self, steps: i32) -> Self {
        Self { steps, ..self }
    }

    /// Begins the next step.
    pub fn advance(&mut self) {
        let rate = LEARNING_RATE * self.decay();
        self.steps += 1;
        self.rate = (rate / (1.0 - BETA[0].powi(self.steps))) as f32;
        self.root_correction = (1.0 - BETA[1].powi(self.steps)).sqrt() as f32;
    }

    /// The share of the rate that the next step has.
    fn decay(&self) -> f64 {
        let share = |of: i32| f64::from(self.steps.min(of)) / f64::from(of.max(1));
        self.decays_over.map_or(1.0, |of| 0.5 * (1.0 + (PI * share(of)).cos()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The rates of steps, without the correction for the first moment's start.
    fn rates(mut adam: Adam, steps: i32) -> Vec<f64> {
        let mut next = || {
            adam.advance();
            f64::from(adam.rate()) * (1.0 - BETA[0].powi(adam.steps()))
        };
        (0..steps).map(|_| next()).collect()
    }

    #[test]
    fn a_rate_falls_as_half_a_cosine_or_stays() {
        let near = |got: &[f64], want: &[f64]| got.iter().zip(want).all(|(a, b)| (a - b).abs() < 1e-9);
        let falling = rates(Adam::decaying(4), 6);
        let half = 0.5_f64.sqrt();
        let want = [1e-3, 5e-4 * (1.0 + half), 5e-4, 5e-4 * (1.0 - half), 0.0, 0.0];
        assert!(near(&falling, &want), "{falling:?}");
        assert!(near(&rates(Adam::decaying(4).after(2), 4), &want[2..]));
        assert!(near(&rates(Adam::default(), 3), &[1e-3; 3]));
    }
}
