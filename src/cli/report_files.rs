//! The files of an evaluation's report.

use std::io;
use std::path::Path;

use anyhow::{Context, Result};
use crosscheck::evaluate::document::{Block, markdown};
use crosscheck::evaluate::html::{self, Album};
use crosscheck::evaluate::report::{EvaluationReport, FORMAT};
use crosscheck::{files, text};

/// The last of a report's files to be written.
pub const REPORT: &str = "report.json";

/// The report as one page, for a browser.
pub const PAGE: &str = "report.html";

/// A report has some 300 bytes for each test frame.
const BYTES_MAX: u64 = 256 << 20;

/// Writes `report.md` and `report.html`, which have `blocks`, and `report.json` into `folder`.
pub fn write_report(folder: &Path, report: &EvaluationReport, blocks: &[Block], album: &Album) -> Result<()> {
    write_text(&folder.join("report.md"), &markdown(blocks))?;
    write_text(&folder.join(PAGE), &html::page(blocks, album))?;
    write_text(&folder.join(REPORT), &serde_json::to_string_pretty(report)?)
}

/// Writes a plot to `path`, and adds it to a section of a report's page. Where there is nothing to draw, there is no plot.
pub fn plot(
    album: &mut Album,
    path: &Path,
    section: &'static str,
    caption: &str,
    paint: impl FnOnce() -> io::Result<Option<String>>,
) -> Result<()> {
    let failed = || format!("cannot write {}", path.display());
    if let Some(svg) = paint().with_context(failed)? {
        files::write_text(path, &svg).with_context(failed)?;
        album.plot(section, caption, svg);
    }
    Ok(())
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
