//! The files of an evaluation's report.

use std::path::Path;

use anyhow::{Context, Result};
use crosscheck::evaluate::report::EvaluationReport;
use crosscheck::files;

/// The last of a report's files to be written.
pub const REPORT: &str = "report.json";

/// Writes `report.md` and `report.json` into `folder`.
pub fn write_report(folder: &Path, report: &EvaluationReport) -> Result<()> {
    write_text(&folder.join("report.md"), &report.markdown())?;
    write_text(&folder.join(REPORT), &serde_json::to_string_pretty(report)?)
}

fn write_text(path: &Path, text: &str) -> Result<()> {
    files::write_text(path, text).with_context(|| format!("cannot write {}", path.display()))
}
