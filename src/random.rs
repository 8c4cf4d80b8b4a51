//! Random numbers that are a function of what they are drawn for.

use std::f32::consts::TAU;

use fastrand::Rng;

/// A generator for one purpose, which `bytes` tell from all others: the FNV-1a hash of them is its seed.
pub fn stream(bytes: impl Iterator<Item = u8>) -> Rng {
    Rng::with_seed(
        bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)),
    )
}

/// A standard normal number (Box and Muller).
pub fn normal(random: &mut Rng) -> f32 {
    let radius = (-2.0 * (1.0 - random.f32()).ln()).sqrt();
    radius * (TAU * random.f32()).cos()
}

/// Evenly between two values.
pub fn between(random: &mut Rng, from: f32, to: f32) -> f32 {
    from + (to - from) * random.f32()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn normal_numbers_have_their_mean_and_deviation() {
        let mut random = Rng::with_seed(2);
        let values: Vec<f32> = (0..40_000).map(|_| normal(&mut random)).collect();
        let mean = values.iter().sum::<f32>() / values.len() as f32;
        let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f32>() / values.len() as f32;
        // Standard errors: 0.005 and 0.007.
        assert!(mean.abs() < 0.02 && (variance - 1.0).abs() < 0.03, "{mean} {variance}");
    }
}
