//! Computes the figures that the field compares from the results of test frames.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::curves::{AUPRO_LIMITS, Labelled, ProCurve, auroc};
use crate::backend::AnomalyMaps;
use crate::prepare::window::Window;
use crate::score::{self, Verdict};
use crate::shapes::W;
use crate::spatial::smoothing::smooth;

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

/// The two discrepancy maps of a frame, `[P]` each.
#[derive(Clone, Debug)]
pub struct Psi {
    pub rgb: Vec<f32>,
    pub xyz: Vec<f32>,
}

/// The result of one test frame.
#[derive(Clone, Debug)]
pub struct Tested {
    pub name: String,
    /// None for a good part.
    pub defect: Option<String>,
    pub psi: Psi,
    /// The part of the photograph that the network frame shows.
    pub window: Window,
    /// Whether a pixel of the network frame is defective, `[P]`.
    pub truth: Vec<bool>,
    /// None for a frame that was rejected before the networks ran: it scores above every other.
    pub score: Option<f32>,
    pub verdict: Option<Verdict>,
}

impl Tested {
    /// Takes the two maps out of an inspection's.
    pub fn psi_of(maps: AnomalyMaps) -> Psi {
        Psi { rgb: maps.psi_rgb, xyz: maps.psi_xyz }
    }
}

/// The field's figures; a figure is none where the frames do not determine it (frames of one kind only, or no
/// threshold).
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Metrics {
    pub frames: usize,
    /// From the map's maximum, the score of a station.
    pub image_auroc: Option<f64>,
    /// From the published evaluation's score.
    pub image_auroc_reference: Option<f64>,
    pub pixel_auroc: Option<f64>,
    pub aupro_30: Option<f64>,
    pub aupro_10: Option<f64>,
    pub aupro_05: Option<f64>,
    pub aupro_01: Option<f64>,
    /// Share of good frames that did not pass at the calibrated threshold.
    pub false_reject_rate: Option<f64>,
    /// Share of defective frames that passed at the calibrated threshold.
    pub miss_rate: Option<f64>,
}

impl Metrics {
    /// Figures of `frames` with the maps aggregated in one way.
    pub fn of(frames: &[&Tested], aggregation: Aggregation) -> Self {
        let maps: Vec<Vec<f32>> = frames.par_iter().map(|frame| aggregation.map(&frame.psi)).collect();
        let image = |score: fn(&[f32]) -> f32| {
            let one = |(frame, map): (&&Tested, &Vec<f32>)| {
                let score = frame.score.map_or(f32::INFINITY, |_| score(map));
                (score, frame.defect.is_some())
            };
            auroc(&frames.iter().zip(&maps).map(one).collect::<Vec<_>>())
        };
        let curve = pro_curve(frames, &maps);
        let [aupro_30, aupro_10, aupro_05, aupro_01] =
            AUPRO_LIMITS.map(|limit| curve.as_ref().map(|curve| curve.area(limit)));
        let pixels =
            || maps.iter().zip(frames).flat_map(|(map, frame)| map.iter().copied().zip(frame.truth.iter().copied()));
        // Verdicts are given by the method's own map.
        let rate = |of: &dyn Fn(&Tested) -> bool, counts: &dyn Fn(Verdict) -> bool| {
            if aggregation == Aggregation::Product { share(frames, of, counts) } else { None }
        };
        Self {
            frames: frames.len(),
            image_auroc: image(score::maximum),
            image_auroc_reference: image(score::reference),
            pixel_auroc: auroc(&pixels().collect::<Vec<_>>()),
            aupro_30,
            aupro_10,
            aupro_05,
            aupro_01,
            false_reject_rate: rate(&|f| f.defect.is_none(), &|verdict| verdict != Verdict::Pass),
            miss_rate: rate(&|f| f.defect.is_some(), &|verdict| verdict == Verdict::Pass),
        }
    }

    /// The mean of each figure over those that have it; frames are added up.
    pub fn mean<'a>(all: impl Iterator<Item = &'a Self> + Clone) -> Self {
        let mean = |figure: fn(&Self) -> Option<f64>| {
            let (count, sum) = all.clone().filter_map(figure).fold((0, 0.0), |(n, s), v| (n + 1, s + v));
            (count > 0).then(|| sum / f64::from(count))
        };
        Self {
            frames: all.clone().map(|m| m.frames).sum(),
            image_auroc: mean(|m| m.image_auroc),
            image_auroc_reference: mean(|m| m.image_auroc_reference),
            pixel_auroc: mean(|m| m.pixel_auroc),
            aupro_30: mean(|m| m.aupro_30),
            aupro_10: mean(|m| m.aupro_10),
            aupro_05: mean(|m| m.aupro_05),
            aupro_01: mean(|m| m.aupro_01),
            false_reject_rate: mean(|m| m.false_reject_rate),
            miss_rate: mean(|m| m.miss_rate),
        }
    }
}

/// The curve behind AUPRO.
pub fn pro_curve(frames: &[&Tested], maps: &[Vec<f32>]) -> Option<ProCurve> {
    let labelled = maps.iter().zip(frames).map(|(map, frame)| Labelled { map, truth: &frame.truth, width: W });
    ProCurve::of(&labelled.collect::<Vec<_>>())
}

fn share(frames: &[&Tested], of: impl Fn(&Tested) -> bool, counts: impl Fn(Verdict) -> bool) -> Option<f64> {
    let verdicts: Vec<Verdict> = frames.iter().filter(|f| of(f)).map(|f| f.verdict).collect::<Option<_>>()?;
    (!verdicts.is_empty()).then(|| verdicts.iter().filter(|v| counts(**v)).count() as f64 / verdicts.len() as f64)
}
