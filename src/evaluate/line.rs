//! What a line lets through: the shares of good frames that it rejects and of defective frames that it passes.
//!
//! Intervals are bootstrap intervals: test frames are drawn again with replacement among the good ones and within each
//! kind of defect, and what a share is in the middle 95 % of such draws is its interval.

use std::collections::BTreeMap;
use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::interval::{self, Interval};
use super::tested::Tested;
use crate::score::Verdict;

/// The shares of the good test frames that may exceed the thresholds which are found on them.
pub const RATES: [f64; 2] = [0.01, 0.001];
/// How often frames are drawn again.
pub const RESAMPLES: usize = 2000;
const SEED: u64 = 0;

/// Something for each of the shares.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LineFigures<T> {
    /// Of the share of good frames that did not pass at the calibrated threshold.
    pub false_reject_rate: T,
    /// Of the share of defective frames that passed at the calibrated threshold.
    pub miss_rate: T,
    /// Of the share of defective frames that pass at the lowest threshold that at most 1 % of the good test frames exceed.
    pub miss_rate_at_01: T,
    /// The same for 0.1 %.
    pub miss_rate_at_001: T,
}

impl<T> LineFigures<T> {
    /// What `of` gives for each of the shares, told by where it is.
    pub fn each(mut of: impl FnMut(usize) -> T) -> Self {
        Self { false_reject_rate: of(0), miss_rate: of(1), miss_rate_at_01: of(2), miss_rate_at_001: of(3) }
    }

    pub fn map<U>(&self, of: impl Fn(&T) -> U) -> LineFigures<U> {
        LineFigures::each(|figure| of(self.all()[figure]))
    }

    /// In the order of [`Self::each`].
    pub fn all(&self) -> [&T; 4] {
        [&self.false_reject_rate, &self.miss_rate, &self.miss_rate_at_01, &self.miss_rate_at_001]
    }
}

/// A frame as a line sees it.
#[derive(Clone, Copy, Debug)]
struct Scored {
    /// Infinite for a frame without a score, which no threshold passes.
    score: f32,
    /// At the calibrated threshold; none without one.
    passes: Option<bool>,
}

/// The frames of a class, each group by rising score.
#[derive(Clone, Debug, Default)]
pub struct LineScores {
    good: Vec<Scored>,
    kinds: BTreeMap<String, Vec<Scored>>,
}

/// A share of frames, its values in resamples, and how many frames it is of.
#[derive(Clone, Debug, Default)]
pub struct Share {
    pub value: Option<f64>,
    /// Empty without a value.
    resampled: Vec<f64>,
    frames: usize,
}

impl Share {
    pub fn interval(&self) -> Option<Interval> {
        interval::of_resamples(self.value?, self.frames, &self.resampled)
    }

    /// The mean of those that have a value.
    pub fn mean<'a>(all: impl Iterator<Item = &'a Self>) -> Self {
        let all: Vec<&Self> = all.filter(|share| share.value.is_some()).collect();
        let count = all.len() as f64;
        let Some(frames) = all.iter().map(|share| share.frames).min() else { return Self::default() };
        // Classes draw the same random numbers: one's draw is put beside the others' draws before it.
        let of_draw = |draw: usize, (i, share): (usize, &&Self)| share.resampled[(draw + i) % share.resampled.len()];
        let draws = all.iter().map(|share| share.resampled.len()).min().unwrap_or(0);
        let mean_of = |draw| all.iter().enumerate().map(|share| of_draw(draw, share)).sum::<f64>() / count;
        Self {
            value: Some(all.iter().filter_map(|share| share.value).sum::<f64>() / count),
            resampled: (0..draws).map(mean_of).collect(),
            // No more than the smallest of equal classes would have.
            frames: frames * all.len(),
        }
    }
}

/// What a class's line lets through.
#[derive(Clone, Debug, Default)]
pub struct Line {
    /// The lowest thresholds that at most the [`RATES`] of the good frames exceed; none where there are no good frames, or
    /// where more of them have no score.
    pub thresholds: [Option<f32>; RATES.len()],
    /// What the numbers of frames cannot show.
    pub notes: Vec<String>,
    pub all: LineFigures<Share>,
    pub kinds: BTreeMap<String, LineFigures<Share>>,
}

/// Frames of a group that were drawn, some of them perhaps several times.
struct Drawn {
    /// Good frames that did not pass at the calibrated threshold.
    rejected: usize,
    /// Infinite where none is low enough.
    thresholds: [f32; RATES.len()],
    /// For each kind of defect the frames that pass: at the calibrated threshold, and at each of `thresholds`.
    passed: Vec<[usize; 1 + RATES.len()]>,
}

impl LineScores {
    /// By the scores and the verdicts of `frames`.
    pub fn of<'a>(frames: impl Iterator<Item = &'a Tested>) -> Self {
        let passes = |frame: &Tested| frame.verdict().map(|verdict| verdict == Verdict::Pass);
        Self::new(frames.map(|frame| (frame.defect.as_deref(), frame.ranked_score(), passes(frame))))
    }

    /// Each frame has a kind of defect, none for a good one, a score, infinite without one, and whether it passes.
    pub fn new<'a>(frames: impl Iterator<Item = (Option<&'a str>, f32, Option<bool>)>) -> Self {
        let mut scores = Self::default();
        for (defect, score, passes) in frames {
            let group = match defect {
                None => &mut scores.good,
                Some(kind) => scores.kinds.entry(kind.to_string()).or_default(),
            };
            group.push(Scored { score, passes });
        }
        for group in scores.kinds.values_mut().chain([&mut scores.good]) {
            group.sort_by(|a, b| a.score.total_cmp(&b.score));
        }
        scores
    }

    /// The shares of these frames, and their values in so many resamples.
    pub fn line(&self, resamples: usize) -> Line {
        let base = self.draw(|i, _| i);
        let mut random = fastrand::Rng::with_seed(SEED);
        let draws: Vec<Drawn> = (0..resamples).map(|_| self.draw(|_, frames| random.usize(..frames))).collect();
        let of_kind = |(i, kind): (usize, &String)| (kind.clone(), self.shares(i..i + 1, &base, &draws));
        Line {
            thresholds: base.thresholds.map(|threshold| threshold.is_finite().then_some(threshold)),
            notes: self.notes(),
            all: self.shares(0..self.kinds.len(), &base, &draws),
            kinds: self.kinds.keys().enumerate().map(of_kind).collect(),
        }
    }

    /// Draws as many frames of each group as it has: `pick` chooses the frame of each draw, by the draw's number and the
    /// number of frames.
    fn draw(&self, mut pick: impl FnMut(usize, usize) -> usize) -> Drawn {
        let mut times = vec![0; self.good.len()];
        let mut rejected = 0;
        for i in 0..self.good.len() {
            let at = pick(i, self.good.len());
            times[at] += 1;
            rejected += usize::from(self.good[at].passes == Some(false));
        }
        let thresholds = RATES.map(|rate| self.threshold(&times, exceeding(self.good.len(), rate)));
        let mut passed_of = |frames: &Vec<Scored>| {
            let passes = |frame: &Scored, threshold: f32| frame.score <= threshold && frame.score.is_finite();
            let limits = thresholds.map(|threshold| frames.partition_point(|frame| passes(frame, threshold)));
            let mut passed = [0; 1 + RATES.len()];
            for i in 0..frames.len() {
                let at = pick(i, frames.len());
                passed[0] += usize::from(frames[at].passes == Some(true));
                limits.iter().zip(&mut passed[1..]).for_each(|(limit, passed)| *passed += usize::from(at < *limit));
            }
            passed
        };
        let passed = self.kinds.values().map(&mut passed_of).collect();
        Drawn { rejected, thresholds, passed }
    }

    /// The lowest threshold that at most `exceeding` of the good frames exceed, when each was drawn so many times.
    fn threshold(&self, times: &[usize], exceeding: usize) -> f32 {
        let mut above = 0;
        for (frame, times) in self.good.iter().zip(times).rev() {
            above += times;
            if above > exceeding {
                return frame.score;
            }
        }
        f32::INFINITY
    }

    /// The shares of the good frames and of some kinds of defect, by their places in the map.
    fn shares(&self, kinds: Range<usize>, base: &Drawn, draws: &[Drawn]) -> LineFigures<Share> {
        let of_kinds: Vec<&Vec<Scored>> = self.kinds.values().skip(kinds.start).take(kinds.len()).collect();
        let (good, defective) = (self.good.len(), of_kinds.iter().map(|frames| frames.len()).sum::<usize>());
        let is_judged = |frames: &[Scored]| frames.iter().all(|frame| frame.passes.is_some());
        let are_judged = of_kinds.iter().all(|frames| is_judged(frames));
        let [at_01, at_001] = base.thresholds.map(f32::is_finite);
        let is_known = [is_judged(&self.good), are_judged, at_01, at_001];
        LineFigures::each(|figure| {
            let frames = if figure == 0 { good } else { defective };
            if frames == 0 || !is_known[figure] {
                return Share::default();
            }
            let share = |drawn: &Drawn| {
                let counted = match figure.checked_sub(1) {
                    None => drawn.rejected,
                    Some(threshold) => drawn.passed[kinds.clone()].iter().map(|passed| passed[threshold]).sum(),
                };
                counted as f64 / frames as f64
            };
            Share { value: Some(share(base)), resampled: draws.iter().map(share).collect(), frames }
        })
    }

    fn notes(&self) -> Vec<String> {
        let frames = self.good.len();
        let unscored = self.good.iter().filter(|frame| frame.score.is_infinite()).count();
        let note = |(rate, name): (f64, &str)| {
            let (percent, exceeding) = (100.0 * rate, exceeding(frames, rate));
            if unscored > exceeding {
                return Some(format!(
                    "no miss rate at {percent} %: {unscored} of {frames} good test frames have no score and are rejected at any threshold"
                ));
            }
            (frames > 0 && exceeding == 0).then(|| {
                format!(
                    "{frames} good test frames cannot show a false-reject rate of {percent} %: {name} is the share that passes where none of them is rejected, and a line that rejects {percent} % may miss more or fewer"
                )
            })
        };
        RATES.into_iter().zip(["miss_rate_at_01", "miss_rate_at_001"]).filter_map(note).collect()
    }
}

/// How many of `frames` may exceed a threshold.
fn exceeding(frames: usize, rate: f64) -> usize {
    // Rounding may put an exact product just below a whole number.
    (frames as f64 * rate + 1e-9) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    const RESAMPLES_OF_TESTS: usize = 200;

    /// Frames of a kind, none for good ones, with their scores; they pass up to 0.5.
    fn line(groups: &[(Option<&str>, &[f32])], resamples: usize) -> Line {
        let frames = groups.iter().flat_map(|(kind, scores)| scores.iter().map(|s| (*kind, *s, Some(*s <= 0.5))));
        LineScores::new(frames).line(resamples)
    }

    fn ascending(frames: usize) -> Vec<f32> {
        (0..frames).map(|i| i as f32 / frames as f32).collect()
    }

    #[test]
    fn thresholds_leave_as_many_above_as_they_may() {
        let threshold = |scores: &[f32]| line(&[(None, scores)], 0).thresholds;
        // 1 of 100 may exceed the first threshold and none the second; 20 and 2 of 2,000.
        assert_eq!(threshold(&ascending(100)), [Some(0.98), Some(0.99)]);
        assert_eq!(threshold(&ascending(2000)), [Some(1979.0 / 2000.0), Some(1997.0 / 2000.0)]);
        assert_eq!(threshold(&ascending(700))[0], Some(692.0 / 700.0));
        assert_eq!(threshold(&[0.25]), [Some(0.25); 2]);
        assert_eq!(threshold(&[]), [None; 2]);
        // Of equal scores none exceeds the threshold.
        assert_eq!(threshold(&[0.75; 300]), [Some(0.75); 2]);
        let mut unscored = ascending(100);
        unscored[..1].fill(f32::INFINITY);
        assert_eq!(threshold(&unscored), [Some(0.99), None]);
        unscored[..2].fill(f32::INFINITY);
        assert_eq!(threshold(&unscored), [None; 2]);
    }

    #[test]
    fn shares_are_counted_by_kind() {
        let good = ascending(200);
        let found =
            line(&[(None, &good), (Some("a"), &[0.1, 0.5, 0.98, 0.985, f32::INFINITY]), (Some("b"), &[0.6])], 50);
        let values = |figures: &LineFigures<Share>| figures.all().map(|share| share.value);
        // Of the good ones 101 to 199 are rejected. Thresholds: 0.985, 0.995.
        assert_eq!(values(&found.all), [Some(0.495), Some(2.0 / 6.0), Some(5.0 / 6.0), Some(5.0 / 6.0)]);
        assert_eq!(values(&found.kinds["a"]), [Some(0.495), Some(0.4), Some(0.8), Some(0.8)]);
        assert_eq!(values(&found.kinds["b"]), [Some(0.495), Some(0.0), Some(1.0), Some(1.0)]);
        // A single frame tells little.
        assert_eq!(found.kinds["b"].miss_rate.interval(), Some([0.0, 0.975]));
        assert_eq!(found.notes.len(), 1, "{:?}", found.notes);
        assert!(found.notes[0].contains("200 good test frames cannot show a false-reject rate of 0.1 %"));
    }

    #[test]
    fn what_the_frames_do_not_tell_is_none() {
        let values = |line: Line| line.all.all().map(|share| share.value);
        assert_eq!(values(line(&[(None, &[0.1, 0.6])], 5)), [Some(0.5), None, None, None]);
        assert_eq!(values(line(&[(Some("a"), &[0.1])], 5)), [None, Some(1.0), None, None]);
        assert_eq!(values(line(&[], 5)), [None; 4]);
        let unjudged = LineScores::new([(None, 0.5, None), (Some("a"), 0.5, None)].into_iter());
        assert_eq!(values(unjudged.line(5)), [None, None, Some(1.0), Some(1.0)]);
        let unscored = line(&[(None, &[f32::INFINITY; 3]), (Some("a"), &[0.1])], 5);
        assert!(unscored.notes[0].contains("3 of 3 good test frames have no score"), "{:?}", unscored.notes);
        assert_eq!(values(unscored), [Some(1.0), Some(1.0), None, None]);
    }

    #[test]
    fn ties_pass_together() {
        let found = line(&[(None, &[0.3; 100]), (Some("a"), &[0.3, 0.3, 0.4])], 50);
        assert_eq!(found.all.miss_rate_at_01.value, Some(2.0 / 3.0));
        assert_eq!(found.all.false_reject_rate.interval(), interval::binomial(0, 100));
    }

    /// Good scores are uniform, and a defective frame's is uniform from 0.9 to 2, so that 1 / 11 of its scores are below the
    /// threshold that 1 % of the good ones exceed, and a little more or less is.
    #[test]
    fn intervals_cover_what_is_true() {
        let mut random = fastrand::Rng::with_seed(7);
        let (trials, truth) = (120, [(0.99 - 0.9) / 1.1, 0.05]);
        let mut covered = [0; 2];
        for _ in 0..trials {
            let good: Vec<f32> = (0..400).map(|_| random.f32()).collect();
            let defective: Vec<f32> = (0..80).map(|_| 0.9 + 1.1 * random.f32()).collect();
            let frames = good.iter().map(|s| (None, *s, Some(*s <= 0.95)));
            let frames = frames.chain(defective.iter().map(|s| (Some("a"), *s, Some(*s <= 0.99))));
            let line = LineScores::new(frames).line(RESAMPLES_OF_TESTS);
            let intervals = [&line.all.miss_rate_at_01, &line.all.false_reject_rate].map(Share::interval);
            for ((covered, interval), truth) in covered.iter_mut().zip(intervals).zip(truth) {
                let [least, most] = interval.unwrap();
                *covered += usize::from((least..=most).contains(&truth));
            }
        }
        // 114 of 120 are expected; fewer than 105 come by chance once in 10,000 times.
        assert!(covered.iter().all(|covered| *covered >= 105), "{covered:?} of {trials}");
    }

    #[test]
    fn the_mean_of_classes_varies_less_than_a_class() {
        let good = ascending(300);
        let one =
            || line(&[(None, &good), (Some("a"), &[0.2, 0.3, 0.8, 0.9, 0.7, 0.6])], RESAMPLES_OF_TESTS).all.miss_rate;
        let classes = [one(), one(), one(), one(), Share::default()];
        let mean = Share::mean(classes.iter());
        let width = |share: &Share| share.interval().map(|[least, most]| most - least).unwrap();
        assert_eq!(mean.value, Some(2.0 / 6.0));
        // Of four independent classes it is half as wide.
        assert!((width(&mean) / width(&classes[0]) - 0.5).abs() < 0.15, "{} {}", width(&mean), width(&classes[0]));
        assert_eq!(Share::mean(std::iter::empty()).interval(), None);
        let none_missed = Share { value: Some(0.0), resampled: vec![0.0; 5], frames: 10 };
        assert_eq!(Share::mean([&none_missed, &none_missed].into_iter()).interval(), interval::binomial(0, 20));
    }
}
