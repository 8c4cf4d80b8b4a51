//! The paper's loss (equation 2): a term is the mean over pixels of `1 - cos` of prediction and observation.

use rayon::prelude::*;

use crate::backend::learner::NORM_FLOOR;

/// `predicted` and `to`: `[n, c]`.
pub fn loss(c: usize, predicted: &[f32], to: &[f32]) -> f64 {
    let rows = predicted.par_chunks_exact(c).zip(to.par_chunks_exact(c));
    rows.map(|(predicted, observed)| f64::from(1.0 - Cosine::of(predicted, observed).cosine)).sum::<f64>()
        / (to.len() / c).max(1) as f64
}

/// Writes d loss / d prediction, `[n, c]`.
pub fn gradient(c: usize, predicted: &[f32], to: &[f32], gradient: &mut [f32]) {
    let scale = 1.0 / (to.len() / c).max(1) as f32;
    let rows = gradient.par_chunks_exact_mut(c).zip(predicted.par_chunks_exact(c));
    rows.zip(to.par_chunks_exact(c)).for_each(|((gradient, predicted), observed)| {
        let Cosine { cosine, predicted_norm, observed_norm } = Cosine::of(predicted, observed);
        let (along, across) = (cosine / (predicted_norm * predicted_norm), 1.0 / (predicted_norm * observed_norm));
        for ((g, p), o) in gradient.iter_mut().zip(predicted).zip(observed) {
            *g = scale * (along * p - across * o);
        }
    });
}

struct Cosine {
    cosine: f32,
    predicted_norm: f32,
    observed_norm: f32,
}

impl Cosine {
    fn of(predicted: &[f32], observed: &[f32]) -> Self {
        let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(x, y)| f64::from(*x) * f64::from(*y)).sum::<f64>();
        let norm = |a: &[f32]| (dot(a, a).sqrt() as f32).max(NORM_FLOOR);
        let (predicted_norm, observed_norm) = (norm(predicted), norm(observed));
        let cosine = (dot(predicted, observed) / f64::from(predicted_norm) / f64::from(observed_norm)) as f32;
        Self { cosine, predicted_norm, observed_norm }
    }
}
