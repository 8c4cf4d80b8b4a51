//! The crossmodal mappings (section 3.2, equation 1) and their discrepancy (equation 3).

use super::{Rows, Weights, gelu, linear};

/// `C_in - M - M - C_out`, erf GELU after the first two.
pub fn predict(weights: &Weights, name: &str, features: &Rows) -> Rows {
    let x = gelu(linear(weights, &format!("{name}.input"), features));
    let x = gelu(linear(weights, &format!("{name}.projection"), &x));
    linear(weights, &format!("{name}.output"), &x)
}

/// The Euclidean distance of two features at unit length.
pub fn discrepancy(observed: &[f64], predicted: &[f64]) -> f64 {
    let norm = |x: &[f64]| x.iter().map(|v| v * v).sum::<f64>().sqrt();
    let (a, b) = (norm(observed), norm(predicted));
    observed.iter().zip(predicted).map(|(x, y)| (x / a - y / b).powi(2)).sum::<f64>().sqrt()
}
