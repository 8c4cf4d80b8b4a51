//! What an evaluation found: `report.json`.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::confusion::{self, Confusion, confusion};
use super::deviation::{DeviationsByKind, Found, by_kind};
use super::good_frames::{self, Draws, ThresholdOf, draws};
use super::interval::{self, Interval};
use super::line::{Line, LineFigures, LineScores, RESAMPLES, Share};
use super::metrics::{Aggregation, Metrics};
use super::sizes::{Promise, SizeBin, SizeRange, SizedFrame, bins, promises};
use super::tested::Tested;
use crate::conformal::Calibration;
use crate::defects::Kind;
use crate::fit::FitSettings;
use crate::score::Verdict;

/// The version of `report.json`'s fields.
pub const FORMAT: u32 = 1;

/// `report.json`. With several numbers of shots, `classes`, `mean` and `frames` are those of the last one.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct EvaluationReport {
    pub format: u32,
    pub engine: EngineFacts,
    pub dataset: String,
    pub speed: Speed,
    #[serde(flatten)]
    pub figures: Figures,
    /// Every test frame, so that two reports can be compared frame by frame.
    #[serde(default)]
    pub frames: Vec<FrameRow>,
    /// The figures by the number of shots, where few-shot fits were asked for.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub shots: BTreeMap<usize, Figures>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct EngineFacts {
    pub variant: String,
    pub content_sha256: String,
    /// How mappings were learnt; none for an engine that had been fitted before.
    pub fit: Option<FitSettings>,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Speed {
    /// Inspections of test frames per second, without the time to read them.
    pub frames_per_second: f64,
    pub peak_memory_mb: Option<f64>,
}

/// One test frame.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FrameRow {
    pub class: String,
    pub name: String,
    /// The kind of defect; none for a good part.
    pub defect: Option<String>,
    /// The diameter of a circle with the area of the largest marked region; none where nothing is marked, or where the points
    /// do not tell it.
    pub size_mm: Option<f64>,
    /// The same over the part's extent.
    pub size_share: Option<f64>,
    pub score: Option<f32>,
    pub verdict: Option<Verdict>,
    /// Why the frame has no score.
    pub reason: Option<String>,
    /// What the worst area that was found on it is taken for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<Kind>,
}

impl FrameRow {
    pub fn new(class: &str, tested: &Tested) -> Self {
        let (class, name, defect) = (class.to_string(), tested.name.clone(), tested.defect.clone());
        let score = tested.score().filter(|score| score.is_finite());
        let not_a_number = || tested.score().filter(|_| score.is_none()).map(|score| format!("the score is {score}"));
        let reason = tested.outcome.reason().map(|reason| reason.to_string()).or_else(not_a_number);
        let (size_mm, size_share) = (tested.size.and_then(|size| size.mm), tested.size.and_then(|size| size.share));
        Self { class, name, defect, size_mm, size_share, score, verdict: tested.verdict(), reason, kind: tested.kind }
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Figures {
    pub classes: BTreeMap<String, ClassFigures>,
    pub mean: Metrics,
    /// Misses of all classes by the size of the defect as a share of the part's extent.
    #[serde(default)]
    pub sizes: Vec<SizeBin>,
    /// What the frames of all classes are taken for.
    #[serde(default)]
    pub confusion: Confusion,
    /// How well area and place are told, all classes together.
    #[serde(default)]
    pub deviations: DeviationsByKind,
    /// What good frames for the threshold buy, means over classes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub good_frames: Vec<ThresholdOf>,
    /// Limits to the misses of all classes.
    #[serde(default)]
    pub promises: Vec<Promise>,
    /// Means over classes with the two maps aggregated in each way (table 6).
    pub aggregations: BTreeMap<Aggregation, Metrics>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ClassFigures {
    #[serde(flatten)]
    pub all: Metrics,
    pub threshold: Option<f32>,
    /// The false-reject rate that the threshold guarantees in expectation.
    pub guaranteed_rate: Option<f64>,
    /// The Clopper-Pearson interval of `false_reject_rate`, 95 %.
    #[serde(default)]
    pub false_reject_rate_binomial: Option<Interval>,
    /// The lowest threshold that at most 1 % of the good test frames exceed.
    #[serde(default)]
    pub threshold_at_01: Option<f32>,
    /// The same for 0.1 %.
    #[serde(default)]
    pub threshold_at_001: Option<f32>,
    /// What the numbers of test frames cannot show.
    #[serde(default)]
    pub notes: Vec<String>,
    pub fit_frames: Option<usize>,
    pub fit_seconds: Option<f64>,
    /// Each kind of defect against the class's good frames.
    pub defects: BTreeMap<String, Metrics>,
    /// What its frames are taken for.
    #[serde(default)]
    pub confusion: Confusion,
    /// How well area and place are told.
    #[serde(default)]
    pub deviations: DeviationsByKind,
    /// Misses by the size of the defect in millimetres.
    #[serde(default)]
    pub sizes: Vec<SizeBin>,
    #[serde(default)]
    pub promises: Vec<Promise>,
    /// Defective frames whose defect has no known size in millimetres; `sizes` and `promises` leave them out.
    #[serde(default)]
    pub without_size: usize,
    pub aggregations: BTreeMap<Aggregation, Metrics>,
    /// From which the figures over several classes are computed.
    #[serde(skip)]
    evidence: Evidence,
}

/// What figures over several classes need of a class.
#[derive(Clone, Debug, Default)]
struct Evidence {
    all: LineFigures<Share>,
    kinds: BTreeMap<String, LineFigures<Share>>,
    /// Defective frames by size in millimetres, and by size as a share of the part's extent.
    sized_mm: Vec<SizedFrame>,
    sized_share: Vec<SizedFrame>,
    /// Defective frames on which something was found, by their kind.
    found: Vec<(String, Found)>,
    draws: Vec<Draws>,
}

impl Evidence {
    fn new(tested: &[Tested], line: Line) -> Self {
        let [threshold, _] = line.thresholds;
        let sized = |frame: &Tested, size: Option<f64>| {
            let score = frame.ranked_score();
            Some(SizedFrame {
                size: size.filter(|_| frame.defect.is_some())?,
                passes: frame.verdict().map(|verdict| verdict == Verdict::Pass),
                passes_at_01: threshold.map(|threshold| score <= threshold),
            })
        };
        Self {
            all: line.all,
            kinds: line.kinds,
            draws: draws(tested),
            found: tested.iter().filter_map(|frame| Some((frame.defect.clone()?, frame.found?))).collect(),
            sized_mm: tested.iter().filter_map(|frame| sized(frame, frame.size?.mm)).collect(),
            sized_share: tested.iter().filter_map(|frame| sized(frame, frame.size?.share)).collect(),
        }
    }
}

impl ClassFigures {
    /// `fit`: frames learnt from and how long that took.
    pub fn from_tested(tested: &[Tested], calibration: Option<Calibration>, fit: Option<(usize, Duration)>) -> Self {
        let all: Vec<&Tested> = tested.iter().collect();
        let line = LineScores::of(tested.iter()).line(RESAMPLES);
        let against_good = |(kind, line): (&String, &LineFigures<Share>)| {
            let of_kind = |t: &&&Tested| t.defect.as_ref().is_none_or(|defect| defect == kind);
            let frames: Vec<&Tested> = all.iter().filter(of_kind).copied().collect();
            (kind.clone(), Metrics::of(&frames, line))
        };
        let metrics = Metrics::of(&all, &line.all);
        let defects = line.kinds.iter().map(against_good).collect();
        let [threshold_at_01, threshold_at_001] = line.thresholds;
        let notes = line.notes.clone();
        let evidence = Evidence::new(tested, line);
        let good = tested.iter().filter(|frame| frame.defect.is_none()).count();
        let rejected = metrics.line.false_reject_rate.map(|rate| (rate * good as f64).round() as usize);
        Self {
            threshold: calibration.map(|c| c.threshold),
            guaranteed_rate: calibration.map(|c| c.guaranteed_rate),
            false_reject_rate_binomial: rejected.and_then(|rejected| interval::binomial(rejected, good)),
            threshold_at_01,
            threshold_at_001,
            notes,
            fit_frames: fit.map(|(frames, _)| frames),
            fit_seconds: fit.map(|(_, time)| time.as_secs_f64()),
            defects,
            sizes: bins(&evidence.sized_mm, SizeRange::millimetres),
            promises: promises(&evidence.sized_mm),
            without_size: tested.len() - good - evidence.sized_mm.len(),
            confusion: confusion(tested.iter()),
            deviations: by_kind(&evidence.found),
            aggregations: Aggregation::ALL.map(|a| (a, Metrics::aggregated(&all, a))).into(),
            all: metrics,
            evidence,
        }
    }
}

impl Figures {
    pub fn from_classes(classes: BTreeMap<String, ClassFigures>) -> Self {
        let lines = || classes.values().map(|c| &c.evidence.all);
        let mean = Metrics { intervals: mean_intervals(lines), ..Metrics::mean(classes.values().map(|c| &c.all)) };
        let over_classes = |a: Aggregation| (a, Metrics::mean(classes.values().map(move |c| &c.aggregations[&a])));
        let sized = |of: fn(&Evidence) -> &[SizedFrame]| {
            classes.values().flat_map(|c| of(&c.evidence)).copied().collect::<Vec<SizedFrame>>()
        };
        Self {
            mean,
            sizes: bins(&sized(|evidence| &evidence.sized_share), SizeRange::shares),
            promises: promises(&sized(|evidence| &evidence.sized_mm)),
            good_frames: good_frames::of_classes(classes.values().map(|class| &class.evidence.draws)),
            confusion: confusion::sum(classes.values().map(|class| &class.confusion)),
            deviations: by_kind(&classes.values().flat_map(|c| &c.evidence.found).cloned().collect::<Vec<_>>()),
            aggregations: Aggregation::ALL.map(over_classes).into(),
            classes,
        }
    }

    /// Means over classes of each kind of defect.
    pub fn defects(&self) -> BTreeMap<&String, Metrics> {
        let kinds: BTreeSet<&String> = self.classes.values().flat_map(|c| c.defects.keys()).collect();
        let mean = |kind| {
            let lines = || self.classes.values().filter_map(move |c| c.evidence.kinds.get(kind));
            let mean = Metrics::mean(self.classes.values().filter_map(move |c| c.defects.get(kind)));
            Metrics { intervals: mean_intervals(lines), ..mean }
        };
        kinds.into_iter().map(|kind| (kind, mean(kind))).collect()
    }
}

/// Intervals of the means over classes.
fn mean_intervals<'a, I>(lines: impl Fn() -> I) -> LineFigures<Option<Interval>>
where
    I: Iterator<Item = &'a LineFigures<Share>>,
{
    LineFigures::each(|figure| Share::mean(lines().map(|line| line.all()[figure])).interval())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluate::defect_size::DefectSize;
    use crate::evaluate::document::markdown;
    use crate::evaluate::tested::Psi;
    use crate::evaluate::tested::tests::tested;
    use crate::shapes::P;

    /// A frame whose maps are silent, with a defect of a size.
    fn frame(defect: Option<(&str, f64)>, score: Option<f32>) -> Tested {
        let verdict = Some(score.map_or(Verdict::Reject, |s| if s <= 0.5 { Verdict::Pass } else { Verdict::Reject }));
        let silent = vec![0.0; P];
        Tested {
            size: defect.map(|(_, mm)| DefectSize { mm: Some(mm), share: None }),
            psi: Psi { rgb: silent.clone(), xyz: silent.clone() },
            anomaly_map: silent,
            truth: vec![false; P],
            ..tested(defect.map(|(kind, _)| kind), score, verdict)
        }
    }

    fn report(classes: &[(&str, &[Tested])]) -> EvaluationReport {
        let of = |(name, tested): &(&str, &[Tested])| (name.to_string(), ClassFigures::from_tested(tested, None, None));
        let rows = |(name, tested): &(&str, &[Tested])| {
            tested.iter().map(|tested| FrameRow::new(name, tested)).collect::<Vec<FrameRow>>()
        };
        EvaluationReport {
            format: FORMAT,
            engine: EngineFacts { variant: "default".into(), content_sha256: String::new(), fit: None },
            dataset: "data".into(),
            speed: Speed { frames_per_second: 1.0, peak_memory_mb: None },
            figures: Figures::from_classes(classes.iter().map(of).collect()),
            frames: classes.iter().flat_map(rows).collect(),
            shots: BTreeMap::new(),
        }
    }

    #[test]
    fn what_is_no_number_is_null_with_its_reason() {
        let dent = |mm, score| frame(Some(("dent", mm)), score);
        let tested = [frame(None, Some(0.4)), frame(None, Some(f32::NAN)), dent(2.0, Some(0.3)), dent(3.0, None)];
        let report = report(&[("a", &tested), ("only bad", &tested[2..]), ("only good", &tested[..1]), ("none", &[])]);
        let text = serde_json::to_string(&report).unwrap();
        let found: serde_json::Value = serde_json::from_str(&text).unwrap();
        let row = |i: usize| &found["frames"][i];
        assert_eq!((&row(1)["score"], &row(1)["reason"]), (&serde_json::Value::Null, &"the score is NaN".into()));
        assert!(row(3)["score"].is_null() && row(3)["reason"].as_str().unwrap().starts_with("no part was found"));
        assert_eq!(
            (&row(2)["size_mm"], &row(2)["verdict"], &row(2)["class"]),
            (&2.0.into(), &"pass".into(), &"a".into())
        );
        let class = &found["classes"]["a"];
        assert_eq!((&class["false_reject_rate"], &class["miss_rate"]), (&0.5.into(), &0.5.into()));
        // One of two good frames cannot pass.
        assert!(
            class["miss_rate_at_01"].is_null() && class["notes"][0].as_str().unwrap().contains("1 of 2"),
            "{class}"
        );
        assert_eq!(class["intervals"]["miss_rate"], serde_json::json!([0.0, 1.0]));
        assert_eq!(class["sizes"][0]["misses"], 1);
        assert_eq!((&class["sizes"][0]["from_mm"], &class["promises"][0]["frames"]), (&2.0.into(), &2.into()));
        assert!(found["classes"]["none"]["miss_rate"].is_null() && found["sizes"].as_array().unwrap().is_empty());
        // Nothing was null because it was no number.
        let figures = report.figures.classes.values().map(|class| &class.all).chain([&report.figures.mean]);
        for metrics in figures {
            let values = metrics.line.all().map(|value| value.unwrap_or(0.0)).into_iter();
            let ends = metrics.intervals.all().into_iter().flatten().flatten().copied();
            assert!(values.chain(ends).all(f64::is_finite), "{metrics:?}");
        }
        let read: EvaluationReport = serde_json::from_str(&text).unwrap();
        assert_eq!(serde_json::to_string(&read).unwrap(), text);
        let text = markdown(&report.blocks());
        assert!(text.contains("- a: of the defects of 2.0 mm and more, at most"), "{text}");
    }

    #[test]
    fn a_report_of_before_is_read() {
        let old = r#"{"frames": 2, "image_auroc": 0.5, "image_auroc_reference": null, "pixel_auroc": null, "aupro_30": null,
            "aupro_10": null, "aupro_05": null, "aupro_01": null, "false_reject_rate": 0.1, "miss_rate": null,
            "threshold": 0.5, "guaranteed_rate": null, "fit_frames": null, "fit_seconds": null, "defects": {},
            "aggregations": {}}"#;
        let read: ClassFigures = serde_json::from_str(old).unwrap();
        assert_eq!((read.all.line.false_reject_rate, read.all.line.miss_rate_at_01), (Some(0.1), None));
    }
}
