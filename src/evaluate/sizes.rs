//! How many defects pass by how large they are.

use serde::{Deserialize, Serialize};

use super::interval::{CONFIDENCE, Interval, at_most, binomial};

/// Frames of a range of sizes, where there are enough.
const FRAMES: usize = 20;
/// Ranges of equal count are no more than these.
const BINS_MAX: usize = 6;
/// Where each octave of sizes has enough frames and there are so many octaves, they are the ranges.
const OCTAVES_MIN: usize = 3;

/// A defective test frame, by the size of its defect.
#[derive(Clone, Copy, Debug)]
pub struct SizedFrame {
    /// Millimetres, or a share of the part's extent.
    pub size: f64,
    /// At the calibrated threshold; none without one.
    pub passes: Option<bool>,
    /// At the threshold that 1 % of the good test frames exceed; none without one.
    pub passes_at_01: Option<bool>,
}

/// The smallest and the largest size of some frames.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum SizeRange {
    Millimetres {
        from_mm: f64,
        to_mm: f64,
    },
    /// Shares of the part's extent.
    Shares {
        from_share: f64,
        to_share: f64,
    },
}

impl SizeRange {
    pub fn millimetres(from_mm: f64, to_mm: f64) -> Self {
        Self::Millimetres { from_mm, to_mm }
    }

    pub fn shares(from_share: f64, to_share: f64) -> Self {
        Self::Shares { from_share, to_share }
    }

    /// The smallest and the largest size.
    pub fn ends(self) -> [f64; 2] {
        match self {
            Self::Millimetres { from_mm, to_mm } => [from_mm, to_mm],
            Self::Shares { from_share, to_share } => [from_share, to_share],
        }
    }
}

/// How many frames passed.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Misses {
    pub misses: usize,
    pub rate: f64,
    /// Clopper-Pearson, 95 %.
    pub interval: Interval,
}

/// The defective frames of a range of sizes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct SizeBin {
    #[serde(flatten)]
    pub range: SizeRange,
    pub frames: usize,
    /// At the calibrated threshold; left out without one.
    #[serde(flatten)]
    pub calibrated: Option<Misses>,
    /// At the threshold that 1 % of the good test frames exceed.
    pub at_01: Option<Misses>,
}

/// A limit to the misses of all defects from a size on, at the calibrated threshold.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Promise {
    pub from_mm: f64,
    pub frames: usize,
    pub misses: usize,
    /// The true share of misses is at most this. All promises of a list hold together in 95 of 100 evaluations, so that one
    /// of them may be chosen afterwards.
    pub at_most: f64,
}

/// The frames in ranges of rising sizes.
pub fn bins(frames: &[SizedFrame], range: fn(f64, f64) -> SizeRange) -> Vec<SizeBin> {
    let frames = sorted(frames);
    let starts = starts(&frames.iter().map(|frame| frame.size).collect::<Vec<_>>());
    let ends = starts.iter().skip(1).copied().chain([frames.len()]);
    let bin = |(start, end): (&usize, usize)| {
        let inside = &frames[*start..end];
        SizeBin {
            range: range(inside[0].size, inside[inside.len() - 1].size),
            frames: inside.len(),
            calibrated: misses(inside, |frame| frame.passes),
            at_01: misses(inside, |frame| frame.passes_at_01),
        }
    };
    starts.iter().zip(ends).map(bin).collect()
}

/// A limit for the defects from the beginning of each range on.
pub fn promises(frames: &[SizedFrame]) -> Vec<Promise> {
    let frames = sorted(frames);
    let starts = starts(&frames.iter().map(|frame| frame.size).collect::<Vec<_>>());
    // Each limit is wrong so seldom that any of them is wrong in at most 5 of 100 evaluations (Bonferroni).
    let beyond = (1.0 - CONFIDENCE) / starts.len().max(1) as f64;
    let promise = |start: usize| {
        // As it is printed.
        let from_mm = (frames[start].size * 10.0).ceil() / 10.0;
        let larger: Vec<SizedFrame> = frames.iter().filter(|frame| frame.size >= from_mm).copied().collect();
        let Misses { misses, .. } = misses(&larger, |frame| frame.passes)?;
        Some(Promise { from_mm, frames: larger.len(), misses, at_most: at_most(misses, larger.len(), beyond) })
    };
    starts.into_iter().filter_map(promise).collect()
}

/// The promise with the lowest limit, and of equal ones that for the smallest defects; none where all may be missed.
pub fn best(promises: &[Promise]) -> Option<&Promise> {
    promises.iter().filter(|promise| promise.at_most < 1.0).min_by(|a, b| a.at_most.total_cmp(&b.at_most))
}

fn sorted(frames: &[SizedFrame]) -> Vec<SizedFrame> {
    let mut sorted = frames.to_vec();
    sorted.sort_by(|a, b| a.size.total_cmp(&b.size));
    sorted
}

/// None without frames, or where one is not judged.
fn misses(frames: &[SizedFrame], passes: fn(&SizedFrame) -> Option<bool>) -> Option<Misses> {
    let misses = frames.iter().map(passes).collect::<Option<Vec<bool>>>()?.into_iter().filter(|passes| *passes).count();
    let interval = binomial(misses, frames.len())?;
    Some(Misses { misses, rate: misses as f64 / frames.len() as f64, interval })
}

/// Where ranges begin among rising sizes. Equal sizes are in one range.
fn starts(sizes: &[f64]) -> Vec<usize> {
    let octave = |size: &f64| size.log2().floor();
    let octaves: Vec<&[f64]> = sizes.chunk_by(|a, b| octave(a) == octave(b)).collect();
    if octaves.len() >= OCTAVES_MIN && octaves.iter().all(|octave| octave.len() >= FRAMES) {
        return octaves.iter().scan(0, |next, octave| Some(std::mem::replace(next, *next + octave.len()))).collect();
    }
    let count = (sizes.len() / FRAMES).clamp(1, BINS_MAX);
    let first_of_its_size = |start: usize| sizes.partition_point(|size| *size < sizes[start]);
    let mut starts: Vec<usize> =
        (0..count.min(sizes.len())).map(|i| i * sizes.len() / count).map(first_of_its_size).collect();
    starts.dedup();
    starts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frames(sizes: impl IntoIterator<Item = f64>, passes: impl Fn(f64) -> bool) -> Vec<SizedFrame> {
        let frame = |size| SizedFrame { size, passes: Some(passes(size)), passes_at_01: None };
        sizes.into_iter().map(frame).collect()
    }

    #[test]
    fn ranges_have_equally_many_frames() {
        let found = bins(&frames((1..=60).rev().map(f64::from), |size| size < 11.0), SizeRange::millimetres);
        let ends: Vec<[f64; 2]> = found.iter().map(|bin| bin.range.ends()).collect();
        assert_eq!(ends, [[1.0, 20.0], [21.0, 40.0], [41.0, 60.0]]);
        let first = found[0].calibrated.unwrap();
        assert_eq!((found[0].frames, first.misses, first.rate), (20, 10, 0.5));
        assert_eq!(Some(first.interval), binomial(10, 20));
        assert_eq!((found[2].calibrated.unwrap().misses, found[2].at_01), (0, None));
        assert_eq!(starts(&[2.0; 100]), [0]);
        assert_eq!(starts(&[1.0]), [0]);
        assert_eq!(starts(&[]), [0; 0]);
        // The second range would begin among equal sizes.
        let tied: Vec<f64> = (0..40).map(|i| if i < 15 { 1.0 } else { 2.0 }).collect();
        assert_eq!(starts(&tied), [0, 15]);
    }

    #[test]
    fn octaves_are_ranges_where_each_has_frames() {
        let sizes: Vec<f64> = (0..75).map(|i| 1.0 + 7.0 * f64::from(i) / 75.0).collect();
        assert_eq!(starts(&sizes).len(), 3);
        let even: Vec<f64> = (0..75).map(|i| 2f64.powf(f64::from(i) / 25.0)).collect();
        let found = bins(&frames(even, |_| false), SizeRange::shares);
        assert_eq!(found.iter().map(|bin| bin.frames).collect::<Vec<_>>(), [25, 25, 25]);
        assert!(found[1].range.ends()[0] >= 2.0 && found[1].range.ends()[1] < 4.0);
    }

    #[test]
    fn a_promise_is_of_all_defects_from_a_size_on() {
        let sizes = (0..80).map(|i| 1.04 + 0.1 * f64::from(i));
        let found = promises(&frames(sizes, |size| size < 2.5));
        assert_eq!(
            found.iter().map(|p| (p.frames, p.misses)).collect::<Vec<_>>(),
            [(79, 14), (59, 0), (39, 0), (19, 0)]
        );
        assert_eq!((found[0].from_mm, found[1].from_mm), (1.1, 3.1));
        let best = best(&found).unwrap();
        // Four promises, so that each may be wrong in 5 / 4 of 100.
        assert_eq!((best.from_mm, best.at_most), (3.1, at_most(0, 59, 0.0125)));
        assert!((best.at_most - 0.0716).abs() < 1e-3, "{best:?}");
        assert!(promises(&[]).is_empty());
        assert!(super::best(&promises(&frames([3.0, 4.0], |_| true))).is_none());
    }

    #[test]
    fn promises_are_kept() {
        let mut random = fastrand::Rng::with_seed(5);
        let rate = |size: f64| if size < 4.0 { 0.3 } else { 0.05 };
        let (trials, mut broken) = (400, 0);
        for _ in 0..trials {
            let mut frame = || {
                let size = 2.0 + 6.0 * random.f64();
                SizedFrame { size, passes: Some(random.f64() < rate(size)), passes_at_01: None }
            };
            let made: Vec<SizedFrame> = (0..80).map(|_| frame()).collect();
            let is_broken = |promise: &Promise| {
                let below = ((4.0 - promise.from_mm) / (8.0 - promise.from_mm)).max(0.0);
                promise.at_most < below * 0.3 + (1.0 - below) * 0.05
            };
            broken += usize::from(promises(&made).iter().any(is_broken));
        }
        assert!(broken * 20 <= trials, "{broken} of {trials}");
    }
}
