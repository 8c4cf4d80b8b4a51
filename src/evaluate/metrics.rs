//! Computes the figures that the field compares from the results of test frames.

use std::borrow::Cow;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::curves::{AUPRO_LIMITS, Labelled, Pixels, ProCurve, auroc};
use super::interval::Interval;
use super::line::{LineFigures, LineScores, Share};
use super::tested::{Psi, Tested};
use crate::score::{self, Verdict};
use crate::shapes::W;
use crate::spatial::smoothing::smooth;

/// Frames whose maps are computed at a time, so that not all are in memory.
const CHUNK: usize = 64;
/// Scores of an aggregation that differ from the engine's by less than this, as a share, are the same scores from another
/// machine.
const ROUNDING: f32 = 1e-3;

/// How the two discrepancy maps become one (the paper's table 6). The product is the method.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Aggregation {
    Product,
    Sum,
    Maximum,
    /// psi_rgb alone.
    Rgb,
    /// psi_xyz alone.
    Xyz,
}

impl Aggregation {
    pub const ALL: [Self; 5] = [Self::Product, Self::Sum, Self::Maximum, Self::Rgb, Self::Xyz];

    pub fn name(self) -> &'static str {
        match self {
            Self::Product => "product",
            Self::Sum => "sum",
            Self::Maximum => "maximum",
            Self::Rgb => "psi_rgb alone",
            Self::Xyz => "psi_xyz alone",
        }
    }

    fn of(self, rgb: f32, xyz: f32) -> f32 {
        match self {
            Self::Product => rgb * xyz,
            Self::Sum => rgb + xyz,
            Self::Maximum => rgb.max(xyz),
            Self::Rgb => rgb,
            Self::Xyz => xyz,
        }
    }

    /// The smoothed map, `[P]`.
    pub fn map(self, maps: &Psi) -> Vec<f32> {
        let mut map = maps.rgb.iter().zip(&maps.xyz).map(|(rgb, xyz)| self.of(*rgb, *xyz)).collect::<Vec<_>>();
        smooth(&mut map);
        map
    }
}

/// The field's figures; a figure is none where the frames do not determine it (frames of one kind only, or no
/// threshold).
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Metrics {
    pub frames: usize,
    /// From the score of a station.
    pub image_auroc: Option<f64>,
    /// From the published evaluation's score.
    pub image_auroc_reference: Option<f64>,
    pub pixel_auroc: Option<f64>,
    pub aupro_30: Option<f64>,
    pub aupro_10: Option<f64>,
    pub aupro_05: Option<f64>,
    pub aupro_01: Option<f64>,
    #[serde(flatten)]
    pub line: LineFigures<Option<f64>>,
    /// 95 % intervals of the figures in `line`. Aggregations have none.
    #[serde(default)]
    pub intervals: LineFigures<Option<Interval>>,
}

impl Metrics {
    /// Figures of `frames` by the engine's own maps and scores, with what a line lets through of them.
    pub fn of(frames: &[&Tested], line: &LineFigures<Share>) -> Self {
        let maps = FromMaps::of(frames, |frame| Cow::Borrowed(&frame.anomaly_map));
        let scores: Vec<f32> = frames.iter().map(|frame| frame.ranked_score()).collect();
        Self {
            line: line.map(|share| share.value),
            intervals: line.map(Share::interval),
            ..maps.metrics(frames, &scores)
        }
    }

    /// Figures of `frames` with the two distances aggregated in one way.
    pub fn aggregated(frames: &[&Tested], aggregation: Aggregation) -> Self {
        let maps = FromMaps::of(frames, |frame| Cow::Owned(aggregation.map(&frame.psi)));
        let ranked = |(frame, score): (&&Tested, &f32)| frame.score().map_or(f32::INFINITY, |_| *score);
        let scores: Vec<f32> = frames.iter().zip(&maps.maxima).map(ranked).collect();
        let is_own = |(frame, score): (&&Tested, &f32)| {
            let own = frame.ranked_score();
            own == *score || (own - score).abs() <= ROUNDING * own.abs()
        };
        // Verdicts are given by the engine's own score.
        let are_own = frames.iter().zip(&scores).all(is_own);
        let passes = |frame: &Tested| frame.verdict().filter(|_| are_own).map(|verdict| verdict == Verdict::Pass);
        let scored = frames.iter().zip(&scores).map(|(frame, score)| (frame.defect.as_deref(), *score, passes(frame)));
        let line = LineScores::new(scored).line(0).all.map(|share| share.value);
        Self { line, ..maps.metrics(frames, &scores) }
    }

    /// The mean of each figure over those that have it, without intervals; frames are added up.
    pub fn mean<'a>(all: impl Iterator<Item = &'a Self> + Clone) -> Self {
        let mean = |figure: &dyn Fn(&Self) -> Option<f64>| {
            let (count, sum) = all.clone().filter_map(figure).fold((0, 0.0), |(n, s), v| (n + 1, s + v));
            (count > 0).then(|| sum / f64::from(count))
        };
        Self {
            frames: all.clone().map(|m| m.frames).sum(),
            image_auroc: mean(&|m| m.image_auroc),
            image_auroc_reference: mean(&|m| m.image_auroc_reference),
            pixel_auroc: mean(&|m| m.pixel_auroc),
            aupro_30: mean(&|m| m.aupro_30),
            aupro_10: mean(&|m| m.aupro_10),
            aupro_05: mean(&|m| m.aupro_05),
            aupro_01: mean(&|m| m.aupro_01),
            line: LineFigures::each(|figure| mean(&|m| *m.line.all()[figure])),
            intervals: LineFigures::default(),
        }
    }
}

/// What the maps of frames tell.
struct FromMaps {
    pixels: Pixels,
    /// For each frame the map's maximum, and the published evaluation's score.
    maxima: Vec<f32>,
    references: Vec<f32>,
}

impl FromMaps {
    fn of<'a>(frames: &[&'a Tested], map: impl Fn(&'a Tested) -> Cow<'a, [f32]> + Sync) -> Self {
        let (mut maxima, mut references) = (Vec::new(), Vec::new());
        let sound = frames.iter().map(|frame| frame.truth.iter().filter(|is_defective| !**is_defective).count()).sum();
        let mut pixels = Pixels::with_room(sound);
        for chunk in frames.chunks(CHUNK) {
            let mapped = |frame: &&'a Tested| {
                let map = map(frame);
                (score::maximum(&map), score::reference(&map), map)
            };
            let mapped: Vec<(f32, f32, Cow<[f32]>)> = chunk.par_iter().map(mapped).collect();
            for ((maximum, reference, map), frame) in mapped.iter().zip(chunk) {
                maxima.push(*maximum);
                references.push(*reference);
                pixels.add(&Labelled { map, truth: &frame.truth, width: W });
            }
        }
        pixels.sort();
        Self { pixels, maxima, references }
    }

    /// Figures without those of a line. `scores`: of each frame.
    fn metrics(&self, frames: &[&Tested], scores: &[f32]) -> Metrics {
        let area = |score_of: &dyn Fn(usize) -> f32| {
            // A frame without a score was rejected: it ranks above every other.
            let ranked = |i: usize| frames[i].score().map_or(f32::INFINITY, |_| score_of(i));
            auroc(&(0..frames.len()).map(|i| (ranked(i), frames[i].defect.is_some())).collect::<Vec<_>>())
        };
        let curve = ProCurve::of(&self.pixels);
        let [aupro_30, aupro_10, aupro_05, aupro_01] =
            AUPRO_LIMITS.map(|limit| curve.as_ref().map(|curve| curve.area(limit)));
        Metrics {
            frames: frames.len(),
            image_auroc: area(&|i| scores[i]),
            image_auroc_reference: area(&|i| self.references[i]),
            pixel_auroc: self.pixels.auroc(),
            aupro_30,
            aupro_10,
            aupro_05,
            aupro_01,
            ..Metrics::default()
        }
    }
}

/// The curve behind AUPRO, by the engine's own maps.
pub fn pro_curve(frames: &[Tested]) -> Option<ProCurve> {
    let frames: Vec<&Tested> = frames.iter().collect();
    ProCurve::of(&FromMaps::of(&frames, |frame| Cow::Borrowed(&frame.anomaly_map)).pixels)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::AnomalyMaps;
    use crate::evaluate::tested::tests::tested;
    use crate::inspect::Inspection;
    use crate::inspect::{Outcome, Scores};
    use crate::shapes::P;

    /// Frames whose maps are the method's own, every second one with a defect.
    fn frames(count: usize) -> Vec<Tested> {
        let mut random = fastrand::Rng::with_seed(11);
        let made = |i: usize| {
            let truth: Vec<bool> = (0..P).map(|p| i % 2 == 1 && p / W < 20 && p % W < 40).collect();
            let mut psi =
                |base: f32| truth.iter().map(|t| random.f32() + if *t { base } else { 0.0 }).collect::<Vec<_>>();
            let psi = Psi { rgb: psi(0.3), xyz: psi(0.2) };
            let anomaly_map = Aggregation::Product.map(&psi);
            let score = score::maximum(&anomaly_map);
            let scores = Scores { score, reference: score::reference(&anomaly_map) };
            let verdict = Some(if score > 0.4 { Verdict::Reject } else { Verdict::Pass });
            let maps = AnomalyMaps { psi_rgb: psi.rgb, psi_xyz: psi.xyz, anomaly_map, valid: vec![true; P] };
            let inspection = Inspection { outcome: Outcome::Scored { scores, verdict }, maps, ..Inspection::default() };
            Tested::new(format!("{i}"), (i % 2 == 1).then(|| "dent".into()), truth, inspection)
        };
        let mut frames: Vec<Tested> = (0..count).map(made).collect();
        frames.push(Tested { truth: vec![false; P], ..unscored(Some("gone")) });
        frames
    }

    fn unscored(defect: Option<&str>) -> Tested {
        let silent = vec![0.0; P];
        let psi = Psi { rgb: silent.clone(), xyz: silent.clone() };
        Tested { psi, anomaly_map: silent, ..tested(defect, None, Some(Verdict::Reject)) }
    }

    #[test]
    fn the_main_figures_are_those_of_the_product_bit_for_bit() {
        let frames = frames(6);
        let all: Vec<&Tested> = frames.iter().collect();
        let own = Metrics::of(&all, &LineScores::of(all.iter().copied()).line(3).all);
        let product = Metrics::aggregated(&all, Aggregation::Product);
        assert_eq!(Metrics { intervals: LineFigures::default(), ..own }, product);
        assert!(own.line.all().iter().all(|figure| figure.is_some()) && own.aupro_01.is_some(), "{own:?}");
        // Another aggregation has no verdicts, and misses of its own at a given rate.
        let sum = Metrics::aggregated(&all, Aggregation::Sum);
        assert_eq!((sum.line.miss_rate, sum.line.miss_rate_at_01.is_some()), (None, true));
        assert!(sum.pixel_auroc != own.pixel_auroc);
    }

    #[test]
    fn another_map_of_the_engine_gives_the_main_figures() {
        let mut frames = frames(4);
        for frame in &mut frames[..4] {
            frame.anomaly_map = frame.truth.iter().map(|t| f32::from(u8::from(*t))).collect();
            let score = if frame.defect.is_some() { 1.0 } else { 0.0 };
            frame.outcome = Outcome::Scored { scores: Scores { score, reference: score }, verdict: None };
        }
        frames.pop();
        let all: Vec<&Tested> = frames.iter().collect();
        let own = Metrics::of(&all, &LineScores::of(all.iter().copied()).line(3).all);
        assert_eq!((own.image_auroc, own.pixel_auroc, own.aupro_01), (Some(1.0), Some(1.0), Some(1.0)));
        assert_eq!(Metrics::aggregated(&all, Aggregation::Product).line.miss_rate, None);
    }
}
