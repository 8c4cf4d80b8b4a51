//! The comparison of the device's results with the expected ones.

use crate::backend::count::{Chip, Launch};
use crate::backend::selftest::{Check, KernelTime};
use crate::model::{Architecture, PointMaeShape, Score, VitShape};

/// The twin of a check whose expected values the CPU computes.
pub const CPU: &str = "the CPU";

/// The architecture of an engine with these channels and hidden units, and with networks as small as possible.
pub fn architecture(c_rgb: usize, c_xyz: usize, hidden: usize) -> Architecture {
    let xyz = PointMaeShape {
        width: c_xyz,
        heads: 1,
        mlp: 8,
        layers: 1,
        taps: vec![0],
        groups: 33,
        group_size: 24,
        encoder: [4, 4, 4],
        position_hidden: 4,
    };
    Architecture { rgb: VitShape { width: c_rgb, heads: 1, mlp: 8, layers: 1 }, xyz, hidden, score: Score::Product }
}

/// The number of values that differ; infinite if the lengths differ.
pub fn differ<T: PartialEq>(got: &[T], want: &[T]) -> f64 {
    if got.len() != want.len() {
        return f64::INFINITY;
    }
    got.iter().zip(want).filter(|(got, want)| got != want).count() as f64
}

/// The largest difference, relative to the largest value of `want`; NaN if a difference is NaN, infinite if the lengths
/// differ.
pub fn apart(got: &[f32], want: &[f32]) -> f64 {
    if got.len() != want.len() {
        return f64::INFINITY;
    }
    let scale = want.iter().fold(f32::MIN_POSITIVE, |most, v| most.max(v.abs()));
    largest(got.iter().zip(want).map(|(got, want)| f64::from((got - want).abs() / scale)))
}

/// The largest of several differences, none of which is negative; NaN if one of them is NaN.
pub fn largest(differences: impl Iterator<Item = f64>) -> f64 {
    differences.fold(0.0, |most, next| if most.is_nan() || next <= most { most } else { next })
}

pub fn equal(what: impl Into<String>, kernels: impl Into<String>, error: f64) -> Check {
    Check { what: what.into(), kernels: kernels.into(), twin: CPU, error, bound: 0.0 }
}

pub fn near(what: impl Into<String>, kernels: impl Into<String>, error: f64, bound: f64) -> Check {
    Check { what: what.into(), kernels: kernels.into(), twin: CPU, error, bound }
}

/// The times of each kernel over all its launches, beside the floors of `counted` on the chip.
pub fn beside_floors(times: Vec<(&'static str, Vec<f32>)>, counted: &[Launch], chip: Option<&Chip>) -> Vec<KernelTime> {
    let floor = |kernel: &str, chip: &Chip| {
        let own = counted.iter().filter(|launch| launch.kernel == kernel);
        let floors: Vec<f64> = own.map(|launch| launch.seconds(chip)).collect();
        (!floors.is_empty()).then(|| (1e6 * floors.iter().sum::<f64>() / floors.len() as f64) as f32)
    };
    let time = |(kernel, mut times): (&'static str, Vec<f32>)| {
        times.sort_by(f32::total_cmp);
        let launches = times.len();
        let mean_us = times.iter().sum::<f32>() / launches as f32;
        let floor_us = chip.and_then(|chip| floor(kernel, chip));
        KernelTime { kernel, launches, median_us: times[launches / 2], mean_us, floor_us }
    };
    times.into_iter().map(time).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nan_and_missing_values_are_within_no_bound() {
        assert_eq!(apart(&[1.0, 2.0], &[1.0, 4.0]), 0.5);
        assert!(!near("", "", apart(&[f32::NAN], &[1.0]), 1.0).passes());
        assert!(!near("", "", apart(&[1.0, f32::NAN, 1.0], &[1.0; 3]), 1.0).passes());
        assert!(!near("", "", apart(&[], &[1.0]), 1.0).passes());
        assert!(!equal("", "", differ::<u8>(&[], &[1])).passes());
        assert_eq!(differ(&[1, 2, 3], &[1, 5, 4]), 2.0);
    }
}
