//! The loss of a likelihood: half the mean, over pixels and channels, of the squared difference divided by the predicted
//! variance, and of this variance's logarithm. That is the negative logarithm of a normal distribution without its
//! constant.

use rayon::prelude::*;

use crate::backend::cpu::elementwise::{exponential, vectorised};
use crate::fold::likelihood::LOG_VARIANCE;

/// `predictions`: features and the logarithms of their variances, `[n, c]` each, as `to` is.
pub fn loss(c: usize, [predicted, log_variance]: [&[f32]; 2], to: &[f32]) -> f64 {
    let rows = predicted.par_chunks_exact(c).zip(log_variance.par_chunks_exact(c)).zip(to.par_chunks_exact(c));
    let sum: f64 = rows.map(|((mean, log_variance), observed)| row_loss(mean, log_variance, observed)).sum();
    0.5 * sum / to.len().max(1) as f64
}

/// Writes d loss / d prediction of features and of logarithms, `[n, c]` each.
pub fn gradient(c: usize, predictions: [&[f32]; 2], to: &[f32], gradients: [&mut [f32]; 2]) {
    let scale = 1.0 / to.len().max(1) as f32;
    let [predicted, log_variance] = predictions.map(|values| values.par_chunks_exact(c));
    let [of_mean, of_variance] = gradients.map(|values| values.par_chunks_exact_mut(c));
    let rows = predicted.zip(log_variance).zip(to.par_chunks_exact(c)).zip(of_mean.zip(of_variance));
    rows.for_each(|(((mean, log_variance), observed), (of_mean, of_variance))| {
        row_gradient((mean, log_variance, observed), scale, of_mean, of_variance);
    });
}

/// The logarithm of a variance within its bounds, and the inverse of that variance.
#[inline(always)]
fn bounded<const FUSED: bool>(log_variance: f32) -> (f32, f32) {
    let [low, high] = LOG_VARIANCE;
    let clamped = log_variance.clamp(low, high);
    // The exponential that is vectorised takes no positive numbers.
    (clamped, (-low).exp() * exponential::<FUSED>(low - clamped))
}

vectorised! {
    fn row_loss(mean: &[f32], log_variance: &[f32], observed: &[f32]) -> f64 {
        let mut sum = 0.0;
        for ((mean, log_variance), observed) in mean.iter().zip(log_variance).zip(observed) {
            let (log_variance, inverse) = bounded::<FUSED>(*log_variance);
            sum += f64::from((mean - observed) * (mean - observed) * inverse + log_variance);
        }
        sum
    }
}

vectorised! {
    fn row_gradient(row: (&[f32], &[f32], &[f32]), scale: f32, of_mean: &mut [f32], of_variance: &mut [f32]) {
        let (mean, log_variance, observed) = row;
        let outputs = of_mean.iter_mut().zip(of_variance);
        for (((mean, log_variance), observed), (of_mean, of_variance)) in
            mean.iter().zip(log_variance).zip(observed).zip(outputs)
        {
            let (bounded, inverse) = bounded::<FUSED>(*log_variance);
            let difference = mean - observed;
            *of_mean = scale * difference * inverse;
            let slope = 0.5 * scale * (1.0 - difference * difference * inverse);
            *of_variance = if bounded == *log_variance { slope } else { 0.0 };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const C: usize = 5;

    /// Features and logarithms of variances, of which some are beyond their bounds, and observations.
    fn values() -> [Vec<f32>; 3] {
        let mut random = fastrand::Rng::with_seed(3);
        let mut values = |spread: f32| (0..4 * C).map(|_| spread * (random.f32() - 0.5)).collect::<Vec<f32>>();
        let mut log_variance = values(4.0);
        (log_variance[3], log_variance[7]) = (-6.5, 4.5);
        [values(2.0), log_variance, values(2.0)]
    }

    #[test]
    fn the_loss_is_the_formula() {
        let [mean, log_variance, observed] = values();
        let of = |i: usize| {
            let l = f64::from(log_variance[i]).clamp(-6.0, 4.0);
            f64::from(mean[i] - observed[i]).powi(2) * (-l).exp() + l
        };
        let want = 0.5 * (0..4 * C).map(of).sum::<f64>() / (4 * C) as f64;
        let got = loss(C, [&mean, &log_variance], &observed);
        assert!((got - want).abs() < 1e-5 * want.abs(), "{got} where {want} is expected");
    }

    #[test]
    fn the_gradient_is_the_slope_of_the_loss() {
        let [mean, log_variance, observed] = values();
        let mut gradients = [vec![0.0; 4 * C], vec![0.0; 4 * C]];
        let [of_mean, of_variance] = &mut gradients;
        gradient(C, [&mean, &log_variance], &observed, [of_mean, of_variance]);
        for which in 0..2 {
            for i in 0..4 * C {
                let moved = |by: f32| {
                    let mut predictions = [mean.clone(), log_variance.clone()];
                    predictions[which][i] += by;
                    let [mean, log_variance] = &predictions;
                    loss(C, [mean, log_variance], &observed)
                };
                let (want, got) = ((moved(0.01) - moved(-0.01)) / 0.02, f64::from(gradients[which][i]));
                assert!((got - want).abs() < 1e-3 * want.abs() + 1e-5, "{which} {i}: {got} where {want} is expected");
            }
        }
    }
}
