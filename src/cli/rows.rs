//! What the commands that print a station's SQLite files share: which file is meant, times, and where the rows go.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use crosscheck::config::Station;
use crosscheck::files::write_whole;

use super::say::print_by;

/// The file that is meant: `file` itself, or the one that a station's configuration names in the section `name`.
pub fn file_of(file: &Path, name: &str, named: impl FnOnce(Station) -> Option<PathBuf>) -> Result<PathBuf> {
    if file.extension().is_none_or(|extension| extension != "toml") {
        return Ok(file.into());
    }
    named(Station::read(file)?).with_context(|| format!("{} has no [{name}]: the station keeps none", file.display()))
}

/// Writes rows into the file `out`, or to standard output. `write` returns how many it has written.
pub fn put(out: Option<&Path>, write: impl FnOnce(&mut dyn Write) -> io::Result<u64>) -> Result<()> {
    let Some(out) = out else { return print_by(|out| write(out).map(drop)) };
    let mut rows = 0;
    write_whole(out, |file| {
        rows = write(file)?;
        Ok(())
    })
    .with_context(|| format!("cannot write {}", out.display()))?;
    log::info!("{}: {rows} rows", out.display());
    Ok(())
}
