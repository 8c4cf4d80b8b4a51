//! The tables of a report as the paper prints them, and what a line lets through.

use std::fmt::Write;

use super::confusion::{Confusion, columns};
use super::good_frames::ThresholdOf;
use super::interval::Interval;
use super::metrics::Metrics;
use super::report::{EvaluationReport, Figures};
use super::sizes::{Misses, Promise, SizeBin, SizeRange, best};

/// A figure's name, where it is, and its interval where it has one.
type Row = (&'static str, fn(&Metrics) -> Option<f64>, fn(&Metrics) -> Option<Interval>);

const ROWS: [Row; 11] = [
    ("I-AUROC", |m| m.image_auroc, |_| None),
    ("I-AUROC (published score)", |m| m.image_auroc_reference, |_| None),
    ("P-AUROC", |m| m.pixel_auroc, |_| None),
    ("AUPRO@30 %", |m| m.aupro_30, |_| None),
    ("AUPRO@10 %", |m| m.aupro_10, |_| None),
    ("AUPRO@5 %", |m| m.aupro_05, |_| None),
    ("AUPRO@1 %", |m| m.aupro_01, |_| None),
    ("false-reject rate", |m| m.line.false_reject_rate, |m| m.intervals.false_reject_rate),
    ("miss rate", |m| m.line.miss_rate, |m| m.intervals.miss_rate),
    ("miss rate at 1 % false rejects", |m| m.line.miss_rate_at_01, |m| m.intervals.miss_rate_at_01),
    ("miss rate at 0.1 % false rejects", |m| m.line.miss_rate_at_001, |m| m.intervals.miss_rate_at_001),
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
        text += LEGEND;
        for (name, class) in &figures.classes {
            class.notes.iter().for_each(|note| text += &format!("- {}: {note}\n", as_markdown(name)));
        }
        text += "\n## Kinds of defect, mean over classes\n\nEach against the good test frames.\n\n";
        text += &table(figures.defects().into_iter().map(|(name, metrics)| (as_markdown(name), metrics)));
        text += &taken_for(&figures.confusion);
        text += &sizes(figures);
        text += &good_frames(&figures.good_frames);
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

/// How to read the rows of the tables that have intervals.
const LEGEND: &str = "
In brackets: 95 % intervals. False-reject rate and miss rate are at the calibrated threshold. The last two rows are at the lowest thresholds that at most 1 % and 0.1 % of the good test frames exceed.

";

/// What frames are taken for, all classes together.
fn taken_for(found: &Confusion) -> String {
    if found.is_empty() {
        return String::new();
    }
    let columns: Vec<&str> = columns().filter(|column| found.values().any(|row| row.contains_key(*column))).collect();
    let names: Vec<String> = columns.iter().map(|column| as_markdown(column)).collect();
    let mut text = String::from(
        "\n## What frames are taken for\n\nFrames of each kind by what the worst area on them is taken for, all classes together.\n\n",
    );
    let _ = writeln!(text, "| | {} |\n|---|{}", names.join(" | "), "---|".repeat(columns.len()));
    for (kind, row) in found {
        let counts: Vec<String> = columns.iter().map(|c| row.get(*c).copied().unwrap_or(0).to_string()).collect();
        let _ = writeln!(text, "| {} | {} |", as_markdown(kind), counts.join(" | "));
    }
    text
}

/// Misses by the size of the defect, and what follows for all larger ones.
fn sizes(figures: &Figures) -> String {
    let mut text = String::from("\n## Misses by size of the defect\n\n");
    if figures.sizes.is_empty() && figures.classes.values().all(|class| class.sizes.is_empty()) {
        return text + "No defect has a known size.\n";
    }
    text += "Size: the diameter of a circle with the area of the largest marked region, in millimetres and as a share of the part's extent.\n";
    text += "Misses: at the calibrated threshold, and at the lowest one that at most 1 % of the good test frames exceed.\n\n";
    text +=
        "| | size | frames | misses | miss rate | misses at 1 % | miss rate at 1 % |\n|---|---|---|---|---|---|---|\n";
    for (name, class) in &figures.classes {
        class.sizes.iter().for_each(|bin| text += &size_row(&as_markdown(name), bin));
    }
    figures.sizes.iter().for_each(|bin| text += &size_row("**all classes**", bin));
    text.push('\n');
    for (name, class) in &figures.classes {
        if class.without_size > 0 {
            let _ = writeln!(
                text,
                "- {}: {} defective frames without a known size are left out.",
                as_markdown(name),
                class.without_size
            );
        }
        best(&class.promises).iter().for_each(|best| text += &promise(&as_markdown(name), best));
    }
    if figures.classes.len() > 1 {
        best(&figures.promises).iter().for_each(|best| text += &promise("all classes", best));
    }
    text
}

/// What good frames for the threshold buy.
fn good_frames(sizes: &[ThresholdOf]) -> String {
    if sizes.is_empty() {
        return String::new();
    }
    let mut text = String::from(
        "\n## What good frames for the threshold buy\n\nGood test frames are drawn as if they had calibrated the threshold; the other good ones and the defective ones are judged by it. Means over draws and classes; 90 of 100 draws lie within the brackets.\n\n| good frames | rate that they support | false-reject rate | miss rate |\n|---|---|---|---|\n",
    );
    for size in sizes {
        let _ = writeln!(
            text,
            "| {} | {:.3} | {} | {} |",
            size.frames,
            size.supported_rate,
            within(size.false_reject_rate, size.false_reject_range),
            within(size.miss_rate, size.miss_range)
        );
    }
    text
}

fn size_row(name: &str, bin: &SizeBin) -> String {
    let size = match bin.range {
        SizeRange::Millimetres { from_mm, to_mm } => format!("{from_mm:.1} to {to_mm:.1} mm"),
        SizeRange::Shares { from_share, to_share } => format!("{:.1} to {:.1} %", 100.0 * from_share, 100.0 * to_share),
    };
    let cells = |found: Option<Misses>| {
        found.map_or("- | -".into(), |Misses { misses, rate, interval }| {
            format!("{misses} | {}", within(rate, interval))
        })
    };
    format!("| {name} | {size} | {} | {} | {} |\n", bin.frames, cells(bin.calibrated), cells(bin.at_01))
}

/// What can be promised of a line.
fn promise(name: &str, Promise { from_mm, frames, misses, at_most }: &Promise) -> String {
    format!(
        "- {name}: of the defects of {from_mm:.1} mm and more, at most {:.1} % pass (95 % confidence; {misses} of {frames} passed in this test).\n",
        100.0 * at_most
    )
}

/// A value, and what it lies within.
fn within(value: f64, [least, most]: Interval) -> String {
    format!("{value:.3} ({least:.3} to {most:.3})")
}

/// A name from outside, such as a folder's, escaped so that it is text within a table's cell.
pub(super) fn as_markdown(name: &str) -> String {
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
    for (name, figure, interval) in ROWS {
        let cell = |m: &Metrics| {
            let value = figure(m).map_or("-".into(), |v| format!("{v:.3}"));
            figure(m).zip(interval(m)).map_or(value, |(value, interval)| within(value, interval))
        };
        let _ = writeln!(text, "| {name} | {} |", metrics.iter().map(cell).collect::<Vec<String>>().join(" | "));
    }
    text
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::evaluate::report::{ClassFigures, EngineFacts, FORMAT, Speed};

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
            frames: Vec::new(),
            shots: BTreeMap::new(),
        };
        let text = report.markdown();
        assert!(text.starts_with("# Evaluation of default on \\<data\\>\n"), "{text}");
        assert!(text.contains("\n| | a\\|\\<b\\> | c d | **mean** |\n|---|---|---|---|\n"), "{text}");
    }
}
