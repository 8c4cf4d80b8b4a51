//! The spread of repeated measurements.

use serde::Serialize;

/// Quantiles of times, milliseconds.
#[derive(Debug, Serialize)]
pub struct Spread {
    pub min: f64,
    pub median: f64,
    pub p95: f64,
    pub p99: f64,
    pub max: f64,
}

impl Spread {
    /// Summarises at least one time.
    pub fn of(mut ms: Vec<f64>) -> Self {
        ms.sort_by(f64::total_cmp);
        let at = |share: f64| ms[((ms.len() as f64 * share) as usize).min(ms.len() - 1)];
        Self { min: ms[0], median: at(0.5), p95: at(0.95), p99: at(0.99), max: at(1.0) }
    }
}
