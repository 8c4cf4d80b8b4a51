//! Adam (Kingma and Ba, 2015), with the paper's learning rate (section 4).

use rayon::prelude::*;

const LEARNING_RATE: f64 = 1e-3;
const BETA: [f64; 2] = [0.9, 0.999];
const EPSILON: f32 = 1e-8;

/// The optimiser's clock: bias corrections for one step of all weights.
#[derive(Clone, Copy, Debug, Default)]
pub struct Adam {
    steps: i32,
    rate: f32,
    root_correction: f32,
}

/// Running means of a tensor's gradient and of its square.
pub struct Moments {
    pub first: Vec<f32>,
    pub second: Vec<f32>,
}

impl Moments {
    pub fn new(len: usize) -> Self {
        Self { first: vec![0.0; len], second: vec![0.0; len] }
    }
}

impl Adam {
    /// Steps begun.
    pub fn steps(&self) -> i32 {
        self.steps
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

    pub fn update(&self, weights: &mut [f32], gradient: &[f32], moments: &mut Moments) {
        let [b1, b2] = BETA.map(|b| b as f32);
        let moments = moments.first.par_iter_mut().zip(&mut moments.second);
        weights.par_iter_mut().zip(gradient).zip(moments).with_min_len(1 << 14).for_each(|((w, g), (m, v))| {
            *m = b1 * *m + (1.0 - b1) * g;
            *v = b2 * *v + (1.0 - b2) * g * g;
            *w -= self.rate * *m / (v.sqrt() / self.root_correction + EPSILON);
        });
    }
}
