//! The mappings while they learn: forward, backward, Adam (sections 3.2 and 4).

mod cosine;
mod likelihood;

use gemm::Parallelism;
use rayon::prelude::*;

use super::elementwise::{gelu, normal_cdf};
use crate::backend::BackendError;
use crate::backend::learner::{Adam, BETA, EPSILON, LAYERS, Learner, LearnerState, Pixels, take, tensor_names};
use crate::fold::linear::{Linear, View, product};
use crate::model::{Architecture, MappingWeights, Score};

const ROWS_PER_TASK: usize = 64;

/// Both mappings on the CPU.
pub struct CpuLearner {
    to_xyz: TrainableMapping,
    to_rgb: TrainableMapping,
    /// The sum of the losses since [`Learner::take_loss`] was last called.
    loss: f64,
}

impl CpuLearner {
    /// `weights`: the layers among [`Architecture::mapping_tensors`].
    pub fn new(architecture: &Architecture, mut weights: MappingWeights) -> Self {
        let (m, score) = (architecture.hidden, architecture.score);
        let mut mapping = |name, c_out| TrainableMapping::new(name, [m, c_out], score, &mut weights);
        let to_xyz = mapping("map_rgb_to_xyz", architecture.c_xyz());
        Self { to_xyz, to_rgb: mapping("map_xyz_to_rgb", architecture.c_rgb()), loss: 0.0 }
    }

    /// The sums over pixels of each channel's squared difference between prediction and observation, with the names of
    /// the mappings: `[C_XYZ]` and `[C_RGB]`.
    pub fn squared_errors(&mut self, Pixels { rgb, xyz }: &Pixels) -> [(&'static str, Vec<f64>); 2] {
        let Self { to_xyz, to_rgb, .. } = self;
        [(to_xyz.name, to_xyz.squared_errors(rgb, xyz)), (to_rgb.name, to_rgb.squared_errors(xyz, rgb))]
    }

    fn tensors(&self) -> impl Iterator<Item = (String, &Vec<f32>)> {
        [&self.to_xyz, &self.to_rgb].into_iter().flat_map(TrainableMapping::tensors)
    }
}

impl Learner for CpuLearner {
    fn step(&mut self, Pixels { rgb, xyz }: &Pixels, adam: &Adam) -> Result<(), BackendError> {
        self.loss += self.to_xyz.step(rgb, xyz, adam) + self.to_rgb.step(xyz, rgb, adam);
        Ok(())
    }

    fn take_loss(&mut self) -> Result<f64, BackendError> {
        Ok(std::mem::take(&mut self.loss))
    }

    fn loss(&mut self, Pixels { rgb, xyz }: &Pixels) -> Result<f64, BackendError> {
        Ok(self.to_xyz.loss(rgb, xyz) + self.to_rgb.loss(xyz, rgb))
    }

    fn weights(&self) -> Result<MappingWeights, BackendError> {
        let mut weights = self.to_xyz.weights();
        weights.extend(self.to_rgb.weights());
        Ok(weights)
    }

    fn state(&self) -> Result<LearnerState, BackendError> {
        Ok(self.tensors().map(|(name, values)| (name, values.clone())).collect())
    }

    fn shapes(&self) -> Vec<(String, usize)> {
        self.tensors().map(|(name, values)| (name, values.len())).collect()
    }

    fn replace(&mut self, state: &mut LearnerState) -> Result<(), BackendError> {
        let tensors = [&mut self.to_xyz, &mut self.to_rgb].into_iter().flat_map(TrainableMapping::tensors_mut);
        tensors.for_each(|(name, values)| *values = take(state, &name));
        Ok(())
    }
}

/// One mapping, `C_in - M - M - C_out` with erf GELU after the first two layers, and the state of its training.
pub struct TrainableMapping {
    name: &'static str,
    score: Score,
    /// Those of [`LAYERS`] that the score needs.
    layers: Vec<TrainableLayer>,
    /// Units before and after each GELU, `[n, M]`, and what each of the last layers predicts, `[n, C_out]`: the feature
    /// and, for a likelihood, the logarithm of its variance.
    before: [Vec<f32>; 2],
    after: [Vec<f32>; 2],
    predicted: [Vec<f32>; 2],
    /// Gradients of the loss with respect to what each of the last layers predicts.
    gradients: [Vec<f32>; 2],
    /// Gradients with respect to the outputs of a hidden layer and of the layer before it.
    gradient: Vec<f32>,
    upstream: Vec<f32>,
}

struct TrainableLayer {
    linear: Linear,
    weight_gradient: Vec<f32>,
    bias_gradient: Vec<f32>,
    weight_moments: Moments,
    bias_moments: Moments,
}

impl TrainableMapping {
    /// Takes `NAME.LAYER.{weight,bias}` out of `weights` for each layer that the score needs; sizes are M and C_out.
    pub fn new(name: &'static str, [m, c_out]: [usize; 2], score: Score, weights: &mut MappingWeights) -> Self {
        let mut tensor = |leaf: &str, kind| take(weights, &format!("{name}.{leaf}.{kind}"));
        let mut layer = |(leaf, to): (&&str, usize)| {
            TrainableLayer::new(Linear::new(tensor(leaf, "weight"), tensor(leaf, "bias"), to))
        };
        Self {
            name,
            score,
            layers: layers(score).iter().zip([m, m, c_out, c_out]).map(&mut layer).collect(),
            before: Default::default(),
            after: Default::default(),
            predicted: Default::default(),
            gradients: Default::default(),
            gradient: Vec::new(),
            upstream: Vec::new(),
        }
    }

    /// The weights as they are now.
    pub fn weights(&self) -> MappingWeights {
        let mut weights = MappingWeights::new();
        for (leaf, layer) in LAYERS.iter().zip(&self.layers) {
            weights.insert(format!("{}.{leaf}.weight", self.name), layer.linear.weight.clone());
            weights.insert(format!("{}.{leaf}.bias", self.name), layer.linear.bias.clone());
        }
        weights
    }

    fn tensors(&self) -> Vec<(String, &Vec<f32>)> {
        let layers = LAYERS.iter().zip(&self.layers);
        layers.flat_map(|(leaf, layer)| tensor_names(self.name, leaf).into_iter().zip(layer.tensors())).collect()
    }

    fn tensors_mut(&mut self) -> Vec<(String, &mut Vec<f32>)> {
        let layers = LAYERS.iter().zip(&mut self.layers);
        layers.flat_map(|(leaf, layer)| tensor_names(self.name, leaf).into_iter().zip(layer.tensors_mut())).collect()
    }

    /// The loss of the pixels whose features are `from`, `[n, C_in]`, and `to`, `[n, C_out]`: one of the two terms of
    /// equation 2, the mean of `1 - cos`; or for a likelihood half the mean of the squared difference, divided by the
    /// predicted variance, and of this variance's logarithm.
    pub fn loss(&mut self, from: &[f32], to: &[f32]) -> f64 {
        self.forward(from);
        let (c, [predicted, log_variance]) = (self.c_out(), &self.predicted);
        match self.score {
            Score::Product => cosine::loss(c, predicted, to),
            Score::Likelihood => likelihood::loss(c, [predicted, log_variance], to),
        }
    }

    /// One step of Adam on [`Self::loss`], which is returned as it was before the step.
    pub fn step(&mut self, from: &[f32], to: &[f32], adam: &Adam) -> f64 {
        let loss = self.loss(from, to);
        self.loss_gradient(to);
        for (layer, gradient) in self.layers[2..].iter_mut().zip(&self.gradients) {
            layer.accumulate(gradient, &self.after[1]);
        }
        self.pass_back_heads();
        self.layers[1].accumulate(&self.gradient, &self.after[0]);
        self.pass_back(1);
        self.layers[0].accumulate(&self.gradient, from);
        self.layers.iter_mut().for_each(|layer| layer.update(adam));
        loss
    }

    /// The sum over pixels of each channel's squared difference between prediction and observation, `[C_out]`.
    pub fn squared_errors(&mut self, from: &[f32], to: &[f32]) -> Vec<f64> {
        self.forward(from);
        let mut sums = vec![0.0; self.c_out()];
        for (predicted, observed) in self.predicted[0].chunks_exact(sums.len()).zip(to.chunks_exact(sums.len())) {
            let pairs = predicted.iter().zip(observed);
            sums.iter_mut().zip(pairs).for_each(|(sum, (p, o))| *sum += f64::from(p - o).powi(2));
        }
        sums
    }

    fn c_out(&self) -> usize {
        self.layers[2].linear.to
    }

    fn forward(&mut self, from: &[f32]) {
        let all = Parallelism::Rayon(0);
        for i in 0..2 {
            let (done, rest) = self.after.split_at_mut(i);
            let input = if i == 0 { from } else { &done[0] };
            self.layers[i].linear.run(input, &mut self.before[i], all);
            rest[0].clone_from(&self.before[i]);
            gelu_parallel(&mut rest[0]);
        }
        for (layer, predicted) in self.layers[2..].iter().zip(&mut self.predicted) {
            layer.linear.run(&self.after[1], predicted, all);
        }
    }

    /// Computes d loss / d prediction of each of the last layers.
    fn loss_gradient(&mut self, to: &[f32]) {
        let c = self.c_out();
        for (gradient, predicted) in self.gradients.iter_mut().zip(&self.predicted) {
            gradient.resize(predicted.len(), 0.0);
        }
        let ([predicted, log_variance], [gradient, of_variance]) = (&self.predicted, &mut self.gradients);
        match self.score {
            Score::Product => cosine::gradient(c, predicted, to, gradient),
            Score::Likelihood => likelihood::gradient(c, [predicted, log_variance], to, [gradient, of_variance]),
        }
    }

    /// Computes the gradient at the output of the second hidden layer from those of the last layers.
    fn pass_back_heads(&mut self) {
        let heads = self.layers[2..].iter().zip(&self.gradients);
        for (i, (layer, gradient)) in heads.enumerate() {
            layer.pass_back(gradient, i > 0, &mut self.upstream);
        }
        self.through_gelu(1);
    }

    /// Computes the gradient at the output of the layer before `layer` from that at the output of `layer`.
    fn pass_back(&mut self, layer: usize) {
        self.layers[layer].pass_back(&self.gradient, false, &mut self.upstream);
        self.through_gelu(layer - 1);
    }

    /// Takes `upstream` through the GELU after a hidden layer, as the gradient of that layer's output.
    fn through_gelu(&mut self, layer: usize) {
        let before = self.before[layer].par_iter().with_min_len(1 << 14);
        self.upstream.par_iter_mut().zip(before).for_each(|(g, x)| *g *= gelu_slope(*x));
        std::mem::swap(&mut self.gradient, &mut self.upstream);
    }
}

impl TrainableLayer {
    fn new(linear: Linear) -> Self {
        let (weights, biases) = (linear.weight.len(), linear.bias.len());
        Self {
            linear,
            weight_gradient: vec![0.0; weights],
            bias_gradient: vec![0.0; biases],
            weight_moments: Moments::new(weights),
            bias_moments: Moments::new(biases),
        }
    }

    /// Computes the gradient with respect to the layer's input, `[n, from]`, from that of its output, `[n, to]`.
    fn pass_back(&self, gradient: &[f32], adds: bool, upstream: &mut Vec<f32>) {
        let Linear { weight, from, to, .. } = &self.linear;
        let n = gradient.len() / to;
        upstream.resize(n * from, 0.0);
        let (gradient, weight) = (View::dense(gradient, n, *to), View::dense(weight, *to, *from));
        product(gradient, weight, 1.0, adds, upstream, *from, Parallelism::Rayon(0));
    }

    /// The tensors in the order of [`tensor_names`].
    fn tensors(&self) -> [&Vec<f32>; 6] {
        let Self { linear, weight_moments: of_weight, bias_moments: of_bias, .. } = self;
        [&linear.weight, &linear.bias, &of_weight.first, &of_weight.second, &of_bias.first, &of_bias.second]
    }

    fn tensors_mut(&mut self) -> [&mut Vec<f32>; 6] {
        let Self { linear, weight_moments: of_weight, bias_moments: of_bias, .. } = self;
        let Linear { weight, bias, .. } = linear;
        [weight, bias, &mut of_weight.first, &mut of_weight.second, &mut of_bias.first, &mut of_bias.second]
    }

    /// Sets the gradients of weight and bias from gradient `[n, to]` and input `[n, from]`.
    fn accumulate(&mut self, gradient: &[f32], input: &[f32]) {
        let Linear { from, to, .. } = self.linear;
        let n = gradient.len() / to;
        let (g, x) = (View::dense(gradient, n, to), View::dense(input, n, from));
        product(g.t(), x, 1.0, false, &mut self.weight_gradient, from, Parallelism::Rayon(0));
        let sum_rows = |rows: &[f32]| {
            let mut sum = vec![0.0; to];
            rows.chunks_exact(to).for_each(|row| sum.iter_mut().zip(row).for_each(|(s, g)| *s += g));
            sum
        };
        // Summed chunk by chunk in a fixed order: the same seed gives the same weights on any number of threads.
        let sums: Vec<Vec<f32>> = gradient.par_chunks(to * ROWS_PER_TASK).map(sum_rows).collect();
        self.bias_gradient.fill(0.0);
        sums.iter().for_each(|sum| self.bias_gradient.iter_mut().zip(sum).for_each(|(b, s)| *b += s));
    }

    fn update(&mut self, adam: &Adam) {
        self.weight_moments.update(adam, &mut self.linear.weight, &self.weight_gradient);
        self.bias_moments.update(adam, &mut self.linear.bias, &self.bias_gradient);
    }
}

/// Running means of a tensor's gradient and of its square.
struct Moments {
    first: Vec<f32>,
    second: Vec<f32>,
}

impl Moments {
    fn new(len: usize) -> Self {
        Self { first: vec![0.0; len], second: vec![0.0; len] }
    }

    /// Applies one step of Adam to `weights`.
    fn update(&mut self, adam: &Adam, weights: &mut [f32], gradient: &[f32]) {
        let [b1, b2] = BETA.map(|b| b as f32);
        let (rate, root_correction) = (adam.rate(), adam.root_correction());
        let moments = self.first.par_iter_mut().zip(&mut self.second);
        weights.par_iter_mut().zip(gradient).zip(moments).with_min_len(1 << 14).for_each(|((w, g), (m, v))| {
            *m = b1 * *m + (1.0 - b1) * g;
            *v = b2 * *v + (1.0 - b2) * g * g;
            *w -= rate * *m / (v.sqrt() / root_correction + EPSILON);
        });
    }
}

/// The names of the layers that a score needs.
fn layers(score: Score) -> &'static [&'static str] {
    match score {
        Score::Product => &LAYERS[..3],
        Score::Likelihood => &LAYERS,
    }
}

/// d GELU(x) / dx = Phi(x) + x phi(x).
fn gelu_slope(x: f32) -> f32 {
    let phi = (-0.5 * x * x).exp() * (0.5 * std::f32::consts::FRAC_2_SQRT_PI * std::f32::consts::FRAC_1_SQRT_2);
    normal_cdf(x) + x * phi
}

/// Erf GELU in place, on every core.
fn gelu_parallel(x: &mut [f32]) {
    x.par_chunks_mut(1 << 14).for_each(gelu);
}
