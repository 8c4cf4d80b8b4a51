//! What an evaluation found: `report.json`, and the tables as the paper prints them.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::metrics::{Aggregation, Metrics, Tested};
use crate::conformal::Calibration;
use crate::fit::FitSettings;

/// The version of `report.json`'s fields.
pub const FORMAT: u32 = 1;

/// `report.json`. With several numbers of shots, `classes` and `mean` are those of the last one.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct EvaluationReport {
    pub format: u32,
    pub engine: EngineFacts,
    pub dataset: String,
    pub speed: Speed,
    #[serde(flatten)]
    pub figures: Figures,
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

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Figures {
    pub classes: BTreeMap<String, ClassFigures>,
    pub mean: Metrics,
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
    pub fit_frames: Option<usize>,
    pub fit_seconds: Option<f64>,
    /// Each kind of defect against the class's good frames.
    pub defects: BTreeMap<String, Metrics>,
    pub aggregations: BTreeMap<Aggregation, Metrics>,
}

impl ClassFigures {
    /// `fit`: frames learnt from and how long that took.
    pub fn from_tested(tested: &[Tested], calibration: Option<Calibration>, fit: Option<(usize, Duration)>) -> Self {
        let all: Vec<&Tested> = tested.iter().collect();
        let kinds: std::collections::BTreeSet<&String> = all.iter().filter_map(|t| t.defect.as_ref()).collect();
        let against_good = |kind: &String| {
            let of_kind = |t: &&&Tested| t.defect.as_ref().is_none_or(|defect| defect == kind);
            let frames: Vec<&Tested> = all.iter().filter(of_kind).copied().collect();
            Metrics::of(&frames, Aggregation::Product)
        };
        let aggregations: BTreeMap<_, _> = Aggregation::ALL.map(|a| (a, Metrics::of(&all, a))).into();
        Self {
            all: aggregations[&Aggregation::Product],
            threshold: calibration.map(|c| c.threshold),
            guaranteed_rate: calibration.map(|c| c.guaranteed_rate),
            fit_frames: fit.map(|(frames, _)| frames),
            fit_seconds: fit.map(|(_, time)| time.as_secs_f64()),
            defects: kinds.into_iter().map(|kind| (kind.clone(), against_good(kind))).collect(),
            aggregations,
        }
    }
}

impl Figures {
    pub fn from_classes(classes: BTreeMap<String, ClassFigures>) -> Self {
        let mean = Metrics::mean(classes.values().map(|c| &c.all));
        let over_classes = |a: Aggregation| (a, Metrics::mean(classes.values().map(move |c| &c.aggregations[&a])));
        Self { mean, aggregations: Aggregation::ALL.map(over_classes).into(), classes }
    }

    /// Means over classes of each kind of defect.
    pub fn defects(&self) -> BTreeMap<&String, Metrics> {
        let kinds: std::collections::BTreeSet<&String> = self.classes.values().flat_map(|c| c.defects.keys()).collect();
        let mean = |kind| Metrics::mean(self.classes.values().filter_map(move |c| c.defects.get(kind)));
        kinds.into_iter().map(|kind| (kind, mean(kind))).collect()
    }
}

/// A figure's name and where it is.
type Row = (&'static str, fn(&Metrics) -> Option<f64>);

const ROWS: [Row; 9] = [
    ("I-AUROC", |m| m.image_auroc),
    ("I-AUROC (published score)", |m| m.image_auroc_reference),
    ("P-AUROC", |m| m.pixel_auroc),
    ("AUPRO@30 %", |m| m.aupro_30),
    ("AUPRO@10 %", |m| m.aupro_10),
    ("AUPRO@5 %", |m| m.aupro_05),
    ("AUPRO@1 %", |m| m.aupro_01),
    ("false-reject rate", |m| m.false_reject_rate),
    ("miss rate", |m| m.miss_rate),
];

impl EvaluationReport {
    /// The tables of section 4: per class (1 to 3), few-shot (4), speed and memory (5), aggregations (6 and 10).
    pub fn markdown(&self) -> String {
        let figures = &self.figures;
        let mut text = format!(
            "# Evaluation of {} on {}\n\n## Classes\n\n",
            as_markdown(&self.engine.variant),
            as_markdown(&self.dataset)
        );
        let classes = figures.classes.iter().map(|(name, c)| (as_markdown(name), c.all));
        text += &table(classes.chain([("**mean**".into(), figures.mean)]));
        text += "\n## Kinds of defect, mean over classes\n\nEach against the good test frames.\n\n";
        text += &table(figures.defects().into_iter().map(|(name, metrics)| (as_markdown(name), metrics)));
        if self.shots.len() > 1 {
            text += "\n## Few-shot, mean over classes\n\n";
            text += &table(self.shots.iter().map(|(shots, f)| (format!("{shots}-shot"), f.mean)));
        }
        text += "\n## Aggregation of the two maps, mean over classes\n\n";
        text += &table(figures.aggregations.iter().map(|(a, m)| (a.name().into(), *m)));
        text += "\n## Speed and memory\n\n| frames/s | peak memory (MB) |\n|---|---|\n";
        let memory = self.speed.peak_memory_mb.map_or("unknown".into(), |mb| format!("{mb:.0}"));
        let _ = writeln!(text, "| {:.2} | {memory} |", self.speed.frames_per_second);
        text
    }
}

/// A name from outside, such as a folder's, escaped so that it is text within a table's cell.
fn as_markdown(name: &str) -> String {
    let mut text = String::new();
    let mut before = None;
    let mut letters = name.chars().peekable();
    while let Some(c) = letters.next() {
        // Between letters it stays as it is: cable_gland.
        let is_within = |c: Option<&char>| c.is_some_and(|c| c.is_alphanumeric());
        let emphasises = c == '_' && !(is_within(before.as_ref()) && is_within(letters.peek()));
        if emphasises || "\\`*<>[]|&~#".contains(c) {
            text.push('\\');
        }
        text.push(if c.is_control() { ' ' } else { c });
        before = Some(c);
    }
    text
}

/// Figures down, columns across.
fn table(columns: impl Iterator<Item = (String, Metrics)>) -> String {
    let (names, metrics): (Vec<String>, Vec<Metrics>) = columns.unzip();
    let mut text = format!("| | {} |\n|---|{}\n", names.join(" | "), "---|".repeat(names.len()));
    for (name, figure) in ROWS {
        let cell = |m: &Metrics| figure(m).map_or("-".into(), |v| format!("{v:.3}"));
        let _ = writeln!(text, "| {name} | {} |", metrics.iter().map(cell).collect::<Vec<String>>().join(" | "));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_from_outside_are_text_in_the_report() {
        for (name, written) in [
            ("cable_gland", "cable_gland"),
            ("Größe 2", "Größe 2"),
            ("_a_", "\\_a\\_"),
            ("a|b", "a\\|b"),
            ("<img src=x>", "\\<img src=x\\>"),
            ("[a](b)", "\\[a\\](b)"),
            ("a\nb\u{7f}", "a b "),
            ("\\|", "\\\\\\|"),
            ("**a** &amp; `b`", "\\*\\*a\\*\\* \\&amp; \\`b\\`"),
        ] {
            assert_eq!(as_markdown(name), written);
        }
        let none = || ClassFigures::from_tested(&[], None, None);
        let classes = BTreeMap::from([("a|<b>".to_string(), none()), ("c\nd".to_string(), none())]);
        let report = EvaluationReport {
            format: FORMAT,
            engine: EngineFacts { variant: "default".into(), content_sha256: String::new(), fit: None },
            dataset: "<data>".into(),
            speed: Speed { frames_per_second: 1.0, peak_memory_mb: None },
            figures: Figures::from_classes(classes),
            shots: BTreeMap::new(),
        };
        let text = report.markdown();
        assert!(text.starts_with("# Evaluation of default on \\<data\\>\n"), "{text}");
        assert!(text.contains("\n| | a\\|\\<b\\> | c d | **mean** |\n|---|---|---|---|\n"), "{text}");
    }
}
