//! How far a share that was counted may lie from the true one.

use statrs::function::beta::inv_beta_reg;

/// What the true share lies within in 95 of 100 evaluations: `[least, most]`.
pub type Interval = [f64; 2];

/// How often an interval, or a limit, holds.
pub const CONFIDENCE: f64 = 0.95;

/// The Clopper-Pearson interval of `count` among `frames`: it holds at least as often as [`CONFIDENCE`], whatever the
/// true share is. None without a frame.
pub fn binomial(count: usize, frames: usize) -> Option<Interval> {
    let beyond = (1.0 - CONFIDENCE) / 2.0;
    (frames > 0).then(|| [1.0 - at_most(frames - count, frames, beyond), at_most(count, frames, beyond)])
}

/// The share that the true one exceeds with a probability of at most `beyond`, when `count` of `frames` were counted
/// (one-sided Clopper-Pearson).
pub fn at_most(count: usize, frames: usize, beyond: f64) -> f64 {
    if count >= frames { 1.0 } else { inv_beta_reg(count as f64 + 1.0, (frames - count) as f64, 1.0 - beyond) }
}

/// What `share` of the values lies within, with as many below as above; none without a value.
pub fn middle(mut values: Vec<f64>, share: f64) -> Option<Interval> {
    values.sort_unstable_by(f64::total_cmp);
    let cut = ((1.0 - share) / 2.0 * values.len() as f64) as usize;
    Some([*values.get(cut)?, *values.get(values.len().checked_sub(cut + 1)?)?])
}

/// The interval of a share by its values in resamples, in any order. Where none or all of the `frames` were counted, or
/// none or all of each kind among them, resamples can hardly vary, and the interval has the binomial one too.
pub fn of_resamples(share: f64, frames: usize, resampled: &[f64]) -> Option<Interval> {
    let middle = middle(resampled.to_vec(), CONFIDENCE);
    let varies = middle.filter(|[low, high]| share > 0.0 && share < 1.0 && low < high);
    if varies.is_some() {
        return varies;
    }
    let [least, most] = binomial((share * frames as f64).round() as usize, frames)?;
    Some(middle.map_or([least, most], |[low, high]| [low.min(least), high.max(most)]))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The probability of at most `count` successes in `trials`.
    fn tail(count: usize, trials: usize, share: f64) -> f64 {
        let mut term = (1.0 - share).powi(trials as i32);
        let mut sum = term;
        for k in 0..count {
            term *= (trials - k) as f64 / (k + 1) as f64 * share / (1.0 - share);
            sum += term;
        }
        sum
    }

    #[test]
    fn the_ends_are_those_of_the_binomial_tails() {
        for (count, frames) in [(0, 1), (0, 30), (1, 30), (3, 240), (29, 30), (17, 1000)] {
            let [least, most] = binomial(count, frames).unwrap();
            assert!((tail(count, frames, most) - 0.025).abs() < 1e-9, "{count} of {frames}: {most}");
            if count == 0 {
                assert_eq!(least, 0.0);
            } else {
                assert!((1.0 - tail(count - 1, frames, least) - 0.025).abs() < 1e-9, "{count} of {frames}: {least}");
            }
        }
        // The rule of three: 3 / n, nearly, for none of n.
        assert!((at_most(0, 100, 0.05) - (1.0 - 0.05f64.powf(0.01))).abs() < 1e-12);
        assert_eq!((at_most(5, 5, 0.05), binomial(0, 0)), (1.0, None));
        assert_eq!(binomial(4, 4).unwrap()[1], 1.0);
        let [least, most] = binomial(150, 100_000).unwrap();
        assert!(least > 0.00126 && least < 0.0015 && most > 0.0015 && most < 0.00177, "{least} {most}");
    }

    #[test]
    fn resamples_give_their_middle_part() {
        let values: Vec<f64> = (0..1000).rev().map(|i| f64::from(i) / 1000.0).collect();
        assert_eq!(of_resamples(0.5, 10, &values), Some([0.025, 0.974]));
        assert_eq!(of_resamples(0.0, 30, &[0.0; 9]), binomial(0, 30));
        assert_eq!(of_resamples(1.0, 30, &[1.0; 9]), binomial(30, 30));
        // One of two kinds was missed whole in every resample.
        assert_eq!(of_resamples(0.5, 4, &[0.5; 9]), binomial(2, 4));
        assert_eq!(of_resamples(0.5, 2, &[]), binomial(1, 2));
    }
}
