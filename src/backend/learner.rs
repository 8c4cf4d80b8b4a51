//! Learning on a machine: what a fit asks of it (section 3.2), and the optimiser's clock.

use std::collections::BTreeMap;

use super::BackendError;
use crate::model::MappingWeights;

/// Adam's decays and its floor (Kingma and Ba, 2015), with the paper's learning rate (section 4).
pub const BETA: [f64; 2] = [0.9, 0.999];
pub const EPSILON: f32 = 1e-8;
const LEARNING_RATE: f64 = 1e-3;
/// torch.nn.functional.normalize's floor of a norm.
pub const NORM_FLOOR: f32 = 1e-12;
/// A mapping's layers, from its input on.
pub const LAYERS: [&str; 3] = ["input", "projection", "output"];

/// Features of pixels, a row each: `[n, C_RGB]` and `[n, C_XYZ]`.
#[derive(Clone, Debug, Default)]
pub struct Pixels {
    pub rgb: Vec<f32>,
    pub xyz: Vec<f32>,
}

/// What a learner keeps from step to step, by the names of [`tensor_names`].
pub type LearnerState = BTreeMap<String, Vec<f32>>;

/// Both mappings while they learn. Their weights and the optimiser's moments stay on the machine.
pub trait Learner {
    /// One step of Adam on the loss (2) of `batch`.
    fn step(&mut self, batch: &Pixels, adam: &Adam) -> Result<(), BackendError>;
    /// The losses of the steps since this was asked last, each as it was before its step, summed.
    fn take_loss(&mut self) -> Result<f64, BackendError>;
    /// The loss (2) of `pixels`: the mean of `1 - cos` of both mappings, added.
    fn loss(&mut self, pixels: &Pixels) -> Result<f64, BackendError>;
    /// The weights as they are now, by name.
    fn weights(&self) -> Result<MappingWeights, BackendError>;
    /// Every tensor that the next step depends on, by the names of [`tensor_names`].
    fn state(&self) -> Result<LearnerState, BackendError>;
    /// Names and lengths of what [`Self::state`] gives.
    fn shapes(&self) -> Vec<(String, usize)>;
    /// Takes each tensor of [`Self::shapes`] out of `state`, which has them all.
    fn replace(&mut self, state: &mut LearnerState) -> Result<(), BackendError>;

    /// Takes what [`Self::state`] gave out of `state`, on this machine or on another; false, and unchanged, where a
    /// tensor is missing or misshapen.
    fn restore(&mut self, state: &mut LearnerState) -> Result<bool, BackendError> {
        let fits = |(name, length): &(String, usize)| state.get(name).is_some_and(|v| v.len() == *length);
        if !self.shapes().iter().all(fits) {
            return Ok(false);
        }
        self.replace(state).map(|()| true)
    }
}

/// Takes a tensor of a mapping or of a learner's state. Panics where it is not there.
pub fn take(tensors: &mut BTreeMap<String, Vec<f32>>, name: &str) -> Vec<f32> {
    tensors.remove(name).unwrap_or_else(|| unreachable!("the mappings have no tensor {name}"))
}

/// What a layer keeps from step to step: weight and bias, then the means of the weight's gradient and of its square,
/// and the bias's.
pub fn tensor_names(mapping: &str, leaf: &str) -> [String; 6] {
    ["weight", "bias", "weight.first", "weight.second", "bias.first", "bias.second"]
        .map(|tensor| format!("{mapping}.{leaf}.{tensor}"))
}

/// The optimiser's clock: bias corrections for one step of all weights.
#[derive(Clone, Copy, Debug, Default)]
pub struct Adam {
    steps: i32,
    rate: f32,
    root_correction: f32,
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

    /// The divisor of the second moment's root, for the same reason.
    pub fn root_correction(&self) -> f32 {
        self.root_correction
    }

    /// An optimiser that has made `steps` steps.
    pub fn after(steps: i32) -> Self {
        Self { steps, ..Self::default() }
    }

    /// Begins the next step.
    pub fn advance(&mut self) {
        self.steps += 1;
        self.rate = (LEARNING_RATE / (1.0 - BETA[0].powi(self.steps))) as f32;
        self.root_correction = (1.0 - BETA[1].powi(self.steps)).sqrt() as f32;
    }
}
