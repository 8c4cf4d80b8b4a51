//! The files of an evaluation's report.

use std::path::Path;

use anyhow::{Context, Result};
use crosscheck::evaluate::report::{EvaluationReport, FORMAT};
use crosscheck::{files, text};

/// The last of a report's files to be written.
pub const REPORT: &str = "report.json";

/// A report has some 300 bytes for each test frame.
const BYTES_MAX: u64 = 256 << 20;

/// Writes `report.md`, which says `text`, and `report.json` into `folder`.
pub fn write_report(folder: &Path, report: &EvaluationReport, text: &str) -> Result<()> {
    write_text(&folder.join("report.md"), text)?;
    write_text(&folder.join(REPORT), &serde_json::to_string_pretty(report)?)
}

/// Reads a `report.json`, of which nothing is trusted.
pub fn read_report(path: &Path) -> Result<EvaluationReport> {
    let text = text::read(path, BYTES_MAX)?;
    let report: EvaluationReport = serde_json::from_str(&text)
        .with_context(|| format!("{} is no report.json that `crosscheck evaluate --report` writes", path.display()))?;
    anyhow::ensure!(
        report.format == FORMAT,
        "{} has format {}, this version reads {FORMAT}",
        path.display(),
        report.format
    );
    Ok(report)
}

fn write_text(path: &Path, text: &str) -> Result<()> {
    files::write_text(path, text).with_context(|| format!("cannot write {}", path.display()))
}
