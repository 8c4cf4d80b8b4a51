//! The crossmodal mappings (section 3.2, equation 1) and how far observed features are from what they predict: the
//! discrepancy (equation 3), or the likelihood's distance.

use super::{Rows, Weights, gelu, linear, weight};

/// The hidden units of `C_in - M - M`, erf GELU after both.
fn hidden(weights: &Weights, name: &str, features: &Rows) -> Rows {
    let x = gelu(linear(weights, &format!("{name}.input"), features));
    gelu(linear(weights, &format!("{name}.projection"), &x))
}

/// The distance of each observed feature from its prediction, as the score of these weights defines it.
pub fn distances(weights: &Weights, name: &str, from: &Rows, to: &Rows) -> Vec<f64> {
    let hidden = hidden(weights, name, from);
    let predicted = linear(weights, &format!("{name}.output"), &hidden);
    let pairs = to.iter().zip(&predicted);
    if !is_likelihood(weights) {
        return pairs.map(|(observed, predicted)| discrepancy(observed, predicted)).collect();
    }
    let log_variance = linear(weights, &format!("{name}.variance"), &hidden);
    let mean = weight(weights, &format!("{name}.variance.mean"));
    pairs.zip(&log_variance).map(|((observed, predicted), l)| likelihood(observed, predicted, l, &mean)).collect()
}

/// Whether these weights are scored by a likelihood.
pub fn is_likelihood(weights: &Weights) -> bool {
    weights.contains_key("map_rgb_to_xyz.variance.weight")
}

/// The mean over channels of the squared difference divided by its variance: the predicted one, whose logarithm is kept
/// within -6 and 4, and the mean over good parts with a weight of 0.3.
fn likelihood(observed: &[f64], predicted: &[f64], log_variance: &[f64], mean: &[f64]) -> f64 {
    let quotient = |k: usize| {
        let variance = (log_variance[k].clamp(-6.0, 4.0).exp() + 0.3 * mean[k]) / 1.3;
        (observed[k] - predicted[k]).powi(2) / variance
    };
    (0..observed.len()).map(quotient).sum::<f64>() / observed.len() as f64
}

/// The Euclidean distance of two features at unit length.
pub fn discrepancy(observed: &[f64], predicted: &[f64]) -> f64 {
    let norm = |x: &[f64]| x.iter().map(|v| v * v).sum::<f64>().sqrt();
    let (a, b) = (norm(observed), norm(predicted));
    observed.iter().zip(predicted).map(|(x, y)| (x / a - y / b).powi(2)).sum::<f64>().sqrt()
}
