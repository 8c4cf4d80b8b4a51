//! The recording that a command looks through.

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Args;
use crosscheck::config::Station;
use crosscheck::review::Gallery;

/// The recording.
#[derive(Args)]
pub struct Recording {
    /// The folder of a recording, or a station's configuration (NAME.toml) whose record.folder is read
    #[arg(value_name = "DIR|STATION")]
    recording: PathBuf,
}

impl Recording {
    /// The recording, and the station that it is of if that was named.
    pub fn open(&self) -> Result<(Gallery, Option<Station>)> {
        let path = self.recording.as_path();
        if path.extension().is_none_or(|extension| extension != "toml") {
            return Ok((Gallery::open(path)?, None));
        }
        let station = Station::read(path)?;
        let record = station.record.as_ref();
        let record = record.with_context(|| format!("{} has no [record]: the station keeps none", path.display()))?;
        Ok((Gallery::open(&record.folder)?, Some(station)))
    }
}
