//! Compares a short training on the device with the same training on the CPU.

use super::compare::{apart, architecture, equal, largest, near};
use crate::backend::BackendError;
use crate::backend::cpu::training::CpuLearner;
use crate::backend::cuda::CudaError;
use crate::backend::cuda::learner::CudaLearner;
use crate::backend::learner::{Adam, Learner, LearnerState, Pixels};
use crate::backend::selftest::Check;
use crate::model::{Architecture, seeded};

const KERNELS: &str = "cuBLAS, bias_gelu, cosine_loss, add_mean, gelu_backward, column_sums, adam";
/// The bounds of losses and gradients, relative to the largest: f32's rounding of the products and of erf.
const LOSS_BOUND: f64 = 1e-5;
const GRADIENT_BOUND: f64 = 1e-4;
/// The bound of weights, relative to the largest, which is about 1. Adam's first steps have the same length for every
/// gradient, even for one so small that rounding decides its sign: three steps of 1e-3 in opposite directions.
const WEIGHT_BOUND: f64 = 6e-3;

/// C_RGB, C_XYZ, M, pixels of a step and steps of each training. The first sizes are no multiples of a block; the
/// second are those of Tiny.
const SIZES: [(usize, usize, usize, usize, usize); 2] = [(11, 15, 13, 70, 20), (768, 384, 576, 128, 3)];

pub fn checks() -> Result<Vec<Check>, BackendError> {
    let mut checks = Vec::new();
    for (c_rgb, c_xyz, hidden, pixels, steps) in SIZES {
        let architecture = architecture(c_rgb, c_xyz, hidden);
        let weights = seeded::mappings(&architecture, 3);
        let mut device = CudaLearner::new(&architecture, weights.clone())?;
        let mut twin = CpuLearner::new(&architecture, weights);
        let (mut random, mut clock) = (fastrand::Rng::with_seed(6), Adam::default());
        let mut losses = [Vec::new(), Vec::new()];
        for step in 0..steps {
            let batch = batch(&architecture, pixels, &mut random);
            clock.advance();
            let learners: [&mut dyn Learner; 2] = [&mut device, &mut twin];
            for (learner, losses) in learners.into_iter().zip(&mut losses) {
                learner.step(&batch, &clock)?;
                losses.push(learner.take_loss()? as f32);
            }
            if step == 0 {
                // After the first step, the first moment is a tenth of the gradient.
                let part = |state: LearnerState| sorted(state, |name| name.ends_with(".first"));
                let (got, want) = (part(device.state()?), part(twin.state()?));
                let error = largest(got.iter().zip(&want).map(|(got, want)| apart(got, want)));
                checks.push(near(format!("gradients, M = {hidden}"), KERNELS, error, GRADIENT_BOUND));
            }
        }
        let batch = batch(&architecture, pixels + 1, &mut random);
        losses[0].push(device.loss(&batch)? as f32);
        losses[1].push(twin.loss(&batch)? as f32);
        checks.push(near(format!("losses, M = {hidden}"), KERNELS, apart(&losses[0], &losses[1]), LOSS_BOUND));
        let all = |learner: &dyn Learner| Ok::<_, BackendError>(sorted(learner.weights()?, |_| true).concat());
        let error = apart(&all(&device)?, &all(&twin)?);
        checks.push(near(format!("weights, M = {hidden}"), KERNELS, error, WEIGHT_BOUND));
        // A fit that was interrupted must go on with the state that it left.
        let (mut state, before) = (device.state()?, device.state()?);
        let taken = device.restore(&mut state)? && device.state()? == before;
        checks.push(equal(format!("state, M = {hidden}"), "copies", f64::from(u8::from(!taken))));
    }
    Ok(checks)
}

/// Whether the error means that this machine lacks the library that a fit needs, so that nothing can be tested.
pub fn lacking(error: &BackendError) -> bool {
    matches!(error, BackendError::Cuda(CudaError::NoBlas | CudaError::OldBlas { .. }))
}

/// The values of the tensors with `wanted` names, in the order of their names.
fn sorted(tensors: LearnerState, wanted: impl Fn(&str) -> bool) -> Vec<Vec<f32>> {
    let mut tensors: Vec<_> = tensors.into_iter().filter(|(name, _)| wanted(name)).collect();
    tensors.sort_by(|a, b| a.0.cmp(&b.0));
    tensors.into_iter().map(|(_, values)| values).collect()
}

fn batch(architecture: &Architecture, n: usize, random: &mut fastrand::Rng) -> Pixels {
    let mut features = |c: usize| (0..n * c).map(|_| random.f32() * 2.0 - 0.5).collect();
    Pixels { rgb: features(architecture.c_rgb()), xyz: features(architecture.c_xyz()) }
}
