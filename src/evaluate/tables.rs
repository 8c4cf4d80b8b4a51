//! The tables of a report as the paper prints them, and what a line lets through.

use super::confusion::{Confusion, columns};
use super::deviation::{Deviations, DeviationsByKind, Quantiles};
use super::document::{Block, Cell, Table};
use super::good_frames::ThresholdOf;
use super::interval::Interval;
use super::metrics::Metrics;
use super::report::{ClassFigures, EvaluationReport, Figures};
use super::sizes::{Misses, Promise, SizeBin, SizeRange, best};

/// Sections to which plots belong.
pub const CLASSES: &str = "Classes";
pub const SIZES: &str = "Misses by size of the defect";
pub const GOOD_FRAMES: &str = "What good frames for the threshold buy";

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
    pub fn blocks(&self) -> Vec<Block> {
        let figures = &self.figures;
        let classes = figures.classes.iter().map(|(name, c)| (name.into(), c.all));
        let mut blocks = vec![
            Block::Title(format!("Evaluation of {} on {}", self.engine.variant, self.dataset)),
            Block::heading(CLASSES),
            table(classes.chain([(Cell::bold("mean"), figures.mean)])),
            Block::paragraph(LEGEND),
        ];
        let of_class = |(name, class): (&String, &ClassFigures)| -> Vec<String> {
            class.notes.iter().map(|note| format!("{name}: {note}")).collect()
        };
        add_items(&mut blocks, figures.classes.iter().flat_map(of_class).collect());
        blocks.extend([
            Block::heading("Kinds of defect, mean over classes"),
            Block::paragraph("Each against the good test frames."),
            table(figures.defects().into_iter().map(|(name, metrics)| (name.into(), metrics))),
        ]);
        blocks.extend(taken_for(&figures.confusion));
        blocks.extend(deviations(&figures.deviations));
        blocks.extend(sizes(figures));
        blocks.extend(good_frames(&figures.good_frames));
        if self.shots.len() > 1 {
            blocks.push(Block::heading("Few-shot, mean over classes"));
            blocks.push(table(self.shots.iter().map(|(shots, f)| (format!("{shots}-shot").into(), f.mean))));
        }
        blocks.push(Block::heading("Aggregation of the two maps, mean over classes"));
        blocks.push(table(figures.aggregations.iter().map(|(a, m)| (a.name().into(), *m))));
        blocks.push(Block::heading("Speed and memory"));
        let memory = self.speed.peak_memory_mb.map_or("unknown".into(), |mb| format!("{mb:.0}"));
        let mut speed = Table::new(["frames/s", "peak memory (MB)"]);
        speed.rows.push(vec![format!("{:.2}", self.speed.frames_per_second).into(), memory.into()]);
        blocks.push(Block::Table(speed));
        blocks
    }
}

/// How to read the rows of the tables that have intervals.
const LEGEND: &str = "In brackets: 95 % intervals. False-reject rate and miss rate are at the calibrated threshold. The last two rows are at the lowest thresholds that at most 1 % and 0.1 % of the good test frames exceed.";

fn add_items(blocks: &mut Vec<Block>, items: Vec<String>) {
    if !items.is_empty() {
        blocks.push(Block::Items(items));
    }
}

/// What frames are taken for, all classes together.
fn taken_for(found: &Confusion) -> Vec<Block> {
    if found.is_empty() {
        return Vec::new();
    }
    let columns: Vec<&str> = columns().filter(|column| found.values().any(|row| row.contains_key(*column))).collect();
    let mut table = Table::new([""].iter().chain(&columns).copied());
    for (kind, row) in found {
        let counts = columns.iter().map(|c| row.get(*c).copied().unwrap_or(0).to_string().into());
        table.rows.push(std::iter::once(kind.into()).chain(counts).collect());
    }
    let what = "Frames of each kind by what the worst area on them is taken for, all classes together.";
    vec![Block::heading("What frames are taken for"), Block::paragraph(what), Block::Table(table)]
}

/// How well area and place are told, all classes together.
fn deviations(found: &DeviationsByKind) -> Vec<Block> {
    if found.kinds.is_empty() {
        return Vec::new();
    }
    let columns = ["", "frames", "beside", "area, median", "area, 90 %", "centres, median", "centres, 90 %"];
    let mut table = Table::new(columns);
    let row = |name: Cell, of: &Deviations| {
        let cells = |quantiles: Option<Quantiles>, digits: usize| {
            let cell = |value: f64| format!("{value:.digits$}").into();
            quantiles.map_or(["-".into(), "-".into()], |Quantiles { median, p90 }| [cell(median), cell(p90)])
        };
        let counts = [of.frames.to_string().into(), of.beside.to_string().into()];
        [name].into_iter().chain(counts).chain(cells(of.area, 2)).chain(cells(of.centre_pixels, 1)).collect()
    };
    table.rows.extend(found.kinds.iter().map(|(kind, of)| row(kind.into(), of)));
    table.rows.push(row(Cell::bold("all"), &found.all));
    let what = "Of defective frames that did not pass: the worst area on them against what is marked. Area: the difference over what is marked. Centres: their distance in pixels of the photograph. Half of the frames, and 90 % of them, have at most this. Frames whose worst area lies beside what is marked are counted by themselves.";
    vec![Block::heading("Area and place of what is found"), Block::paragraph(what), Block::Table(table)]
}

/// Misses by the size of the defect, and what follows for all larger ones.
fn sizes(figures: &Figures) -> Vec<Block> {
    let mut blocks = vec![Block::heading(SIZES)];
    if figures.sizes.is_empty() && figures.classes.values().all(|class| class.sizes.is_empty()) {
        blocks.push(Block::paragraph("No defect has a known size."));
        return blocks;
    }
    let mut table = Table::new(["", "size", "frames", "misses", "miss rate", "misses at 1 %", "miss rate at 1 %"]);
    for (name, class) in &figures.classes {
        table.rows.extend(class.sizes.iter().map(|bin| size_row(name.into(), bin)));
    }
    table.rows.extend(figures.sizes.iter().map(|bin| size_row(Cell::bold("all classes"), bin)));
    blocks.extend([
        Block::paragraph("Size: the diameter of a circle with the area of the largest marked region, in millimetres and as a share of the part's extent."),
        Block::paragraph("Misses: at the calibrated threshold, and at the lowest one that at most 1 % of the good test frames exceed."),
        Block::Table(table),
    ]);
    let mut items = Vec::new();
    for (name, class) in &figures.classes {
        let left_out = class.without_size;
        if left_out > 0 {
            items.push(format!("{name}: {left_out} defective frames without a known size are left out."));
        }
        items.extend(best(&class.promises).iter().map(|best| promise(name, best)));
    }
    if figures.classes.len() > 1 {
        items.extend(best(&figures.promises).iter().map(|best| promise("all classes", best)));
    }
    add_items(&mut blocks, items);
    blocks
}

/// What good frames for the threshold buy.
fn good_frames(sizes: &[ThresholdOf]) -> Vec<Block> {
    if sizes.is_empty() {
        return Vec::new();
    }
    let mut table = Table::new(["good frames", "rate that they support", "false-reject rate", "miss rate"]);
    table.rows.extend(sizes.iter().map(|size| {
        vec![
            size.frames.to_string().into(),
            format!("{:.3}", size.supported_rate).into(),
            within(size.false_reject_rate, size.false_reject_range).into(),
            within(size.miss_rate, size.miss_range).into(),
        ]
    }));
    let what = "Good test frames are drawn as if they had calibrated the threshold; the other good ones and the defective ones are judged by it. Means over draws and classes; 90 of 100 draws lie within the brackets.";
    vec![Block::heading(GOOD_FRAMES), Block::paragraph(what), Block::Table(table)]
}

fn size_row(name: Cell, bin: &SizeBin) -> Vec<Cell> {
    let size = match bin.range {
        SizeRange::Millimetres { from_mm, to_mm } => format!("{from_mm:.1} to {to_mm:.1} mm"),
        SizeRange::Shares { from_share, to_share } => format!("{:.1} to {:.1} %", 100.0 * from_share, 100.0 * to_share),
    };
    let cells = |found: Option<Misses>| {
        found.map_or(["-".into(), "-".into()], |Misses { misses, rate, interval }| {
            [misses.to_string().into(), within(rate, interval).into()]
        })
    };
    let row = [name, size.into(), bin.frames.to_string().into()].into_iter();
    row.chain(cells(bin.calibrated)).chain(cells(bin.at_01)).collect()
}

/// What can be promised of a line.
fn promise(name: &str, Promise { from_mm, frames, misses, at_most }: &Promise) -> String {
    format!(
        "{name}: of the defects of {from_mm:.1} mm and more, at most {:.1} % pass (95 % confidence; {misses} of {frames} passed in this test).",
        100.0 * at_most
    )
}

/// A value, and what it lies within.
fn within(value: f64, [least, most]: Interval) -> String {
    format!("{value:.3} ({least:.3} to {most:.3})")
}

/// Figures down, columns across.
fn table(columns: impl Iterator<Item = (Cell, Metrics)>) -> Block {
    let (names, metrics): (Vec<Cell>, Vec<Metrics>) = columns.unzip();
    let mut table = Table::new([Cell::from("")].into_iter().chain(names));
    for (name, figure, interval) in ROWS {
        let cell = |m: &Metrics| {
            let value = figure(m).map_or("-".into(), |v| format!("{v:.3}"));
            figure(m).zip(interval(m)).map_or(value, |(value, interval)| within(value, interval)).into()
        };
        table.rows.push(std::iter::once(name.into()).chain(metrics.iter().map(cell)).collect());
    }
    Block::Table(table)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::evaluate::document::markdown;
    use crate::evaluate::report::{ClassFigures, EngineFacts, FORMAT, Speed};

    #[test]
    fn names_from_outside_are_text_in_the_report() {
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
        let text = markdown(&report.blocks());
        assert!(text.starts_with("# Evaluation of default on \\<data\\>\n"), "{text}");
        assert!(text.contains("\n| | a\\|\\<b\\> | c d | **mean** |\n|---|---|---|---|\n"), "{text}");
    }
}
