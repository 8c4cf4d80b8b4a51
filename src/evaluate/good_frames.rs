//! What more good frames for the threshold buy: good test frames are drawn as if they had calibrated it, and the rest of
//! them and the defective ones are judged by it.
//!
//! With n frames no rate below 1 / (n + 1) can be guaranteed, so few frames mean a threshold that rejects more of the good
//! parts than was asked for, and one that differs from draw to draw.

use serde::{Deserialize, Serialize};

use super::interval::{Interval, middle};
use super::tested::Tested;
use crate::conformal::{calibrate, supported_rate};

/// Numbers of frames that are tried.
pub const SIZES: [usize; 4] = [20, 50, 100, 300];
/// The rate that is asked for.
const RATE: f64 = 0.01;
/// Good frames that are left to be judged, at least.
const JUDGED_MIN: usize = 20;
const DRAWS: usize = 400;
const SEED: u64 = 0;
/// Of all draws, the share in the middle that a range tells.
const MIDDLE: f64 = 0.9;

/// What a threshold from so many good frames does, over draws of them.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ThresholdOf {
    /// Good frames that it was found on.
    pub frames: usize,
    /// The expected rate of false rejects that they support, at least 1 %.
    pub supported_rate: f64,
    /// The mean over draws, and what 90 of 100 draws are within.
    pub false_reject_rate: f64,
    pub false_reject_range: Interval,
    pub miss_rate: f64,
    pub miss_range: Interval,
}

/// Both rates of every draw.
#[derive(Clone, Debug)]
pub struct Draws {
    frames: usize,
    rates: Vec<[f64; 2]>,
}

/// The draws of a class for each of [`SIZES`] that its good frames allow.
pub fn draws(tested: &[Tested]) -> Vec<Draws> {
    let scores = |defective: bool| {
        let of = tested.iter().filter(move |frame| frame.defect.is_some() == defective);
        of.map(Tested::ranked_score).collect::<Vec<f32>>()
    };
    let (mut good, defective) = (scores(false), scores(true));
    if defective.is_empty() {
        return Vec::new();
    }
    let mut random = fastrand::Rng::with_seed(SEED);
    let sizes = SIZES.into_iter().filter(|frames| frames + JUDGED_MIN <= good.len()).collect::<Vec<usize>>();
    sizes
        .into_iter()
        .map(|frames| {
            let rate = RATE.max(supported_rate(frames));
            let draw = |_| {
                random.shuffle(&mut good);
                let (own, judged) = good.split_at(frames);
                // No threshold where too many frames have no score: all parts pass, and the report's own calibration tells why.
                let threshold = calibrate(own, rate, None).map_or(f32::INFINITY, |found| found.threshold);
                let share = |scores: &[f32], wrong: &dyn Fn(f32) -> bool| {
                    scores.iter().filter(|score| wrong(**score)).count() as f64 / scores.len() as f64
                };
                [share(judged, &|score| score > threshold), share(&defective, &|score| score <= threshold)]
            };
            Draws { frames, rates: (0..DRAWS).map(draw).collect() }
        })
        .collect()
}

/// The means of classes that have draws of a size.
pub fn of_classes<'a>(classes: impl Iterator<Item = &'a Vec<Draws>>) -> Vec<ThresholdOf> {
    let all: Vec<&Draws> = classes.flatten().collect();
    let of_size = |frames: usize| {
        let own: Vec<&Draws> = all.iter().filter(|draws| draws.frames == frames).copied().collect();
        (!own.is_empty()).then(|| ThresholdOf::of(frames, &own))
    };
    SIZES.into_iter().filter_map(of_size).collect()
}

impl ThresholdOf {
    fn of(frames: usize, classes: &[&Draws]) -> Self {
        let mean = |draw: usize, which: usize| {
            classes.iter().map(|draws| draws.rates[draw][which]).sum::<f64>() / classes.len() as f64
        };
        let [(false_reject_rate, false_reject_range), (miss_rate, miss_range)] = [0, 1].map(|which| {
            let values: Vec<f64> = (0..DRAWS).map(|draw| mean(draw, which)).collect();
            (values.iter().sum::<f64>() / DRAWS as f64, middle(values, MIDDLE).unwrap_or_default())
        });
        let supported_rate = RATE.max(supported_rate(frames));
        Self { frames, supported_rate, false_reject_rate, false_reject_range, miss_rate, miss_range }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluate::tested::tests::tested;

    /// Good scores are uniform on 0 to 1, defective ones on 0.5 to 1.5.
    fn frames(good: usize) -> Vec<Tested> {
        let mut random = fastrand::Rng::with_seed(3);
        let mut frame = |defect, from: f32| tested(defect, Some(from + random.f32()), None);
        (0..good + 500).map(|i| if i < good { frame(None, 0.0) } else { frame(Some("dent"), 0.5) }).collect()
    }

    #[test]
    fn few_frames_reject_more_and_vary_more() {
        let found = of_classes([draws(&frames(1000))].iter());
        assert_eq!(found.iter().map(|size| size.frames).collect::<Vec<usize>>(), SIZES);
        for size in &found {
            // The expected rate of the largest of n uniform scores, or of the order statistic that 1 % takes.
            let rank_above = ((size.frames + 1) as f64 * size.supported_rate + 1e-9).floor();
            let expected = rank_above / (size.frames + 1) as f64;
            assert!((size.false_reject_rate - expected).abs() < 0.006, "{size:?}: {expected}");
            assert!((size.miss_rate - (0.5 - size.false_reject_rate)).abs() < 0.05, "{size:?}");
            assert!(size.miss_range[0] <= size.miss_rate && size.miss_rate <= size.miss_range[1], "{size:?}");
        }
        let width = |size: &ThresholdOf| size.miss_range[1] - size.miss_range[0];
        assert!(width(&found[0]) > 3.0 * width(&found[3]), "{found:?}");
    }

    #[test]
    fn sizes_that_leave_too_few_frames_are_left_out() {
        let found = of_classes([draws(&frames(75)), draws(&frames(40)), draws(&[])].iter());
        assert_eq!(found.iter().map(|size| size.frames).collect::<Vec<usize>>(), [20, 50]);
        assert!(draws(&frames(60)[..60]).is_empty());
    }
}
