//! What keeps a station from running well on this machine, and what to do about each finding.

mod accelerators;
pub mod gpio;
mod machine;
mod station;

use std::path::PathBuf;

use serde::Serialize;

use crate::config::Station;

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    Ok,
    /// Good to know; nothing has to be done.
    Note,
    /// The station runs, but not as well or as safely as it could.
    Warning,
    /// The station cannot run like this.
    Error,
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Finding {
    /// What, in words joined by dots: `gpio.reject`.
    pub name: String,
    pub status: Status,
    pub found: String,
    /// What to do; none where all is well.
    pub fix: Option<String>,
}

impl Finding {
    fn ok(name: &str, found: impl Into<String>) -> Self {
        Self { name: name.into(), status: Status::Ok, found: found.into(), fix: None }
    }

    fn note(name: &str, found: impl Into<String>) -> Self {
        Self { status: Status::Note, ..Self::ok(name, found) }
    }

    fn warning(name: &str, found: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { status: Status::Warning, fix: Some(fix.into()), ..Self::ok(name, found) }
    }

    fn error(name: &str, found: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { status: Status::Error, fix: Some(fix.into()), ..Self::ok(name, found) }
    }
}

/// Where the system's own files are: `/`, or a folder in its place.
pub struct System {
    root: PathBuf,
}

impl System {
    pub fn here() -> Self {
        Self::at("/")
    }

    pub fn at(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    fn path(&self, path: &str) -> PathBuf {
        self.root.join(path.trim_start_matches('/'))
    }

    /// The text of a small file of the system, its ends trimmed.
    fn read(&self, path: &str) -> Option<String> {
        std::fs::read_to_string(self.path(path)).ok().map(|text| text.trim().to_string())
    }

    fn has(&self, path: &str) -> bool {
        self.path(path).exists()
    }
}

/// Looks at everything. Without a configuration, at the machine alone.
pub fn examine(system: &System, station: Option<&Station>) -> Vec<Finding> {
    let mut findings = machine::examine(system, station);
    findings.extend(gpio::examine(station));
    findings.extend(station.into_iter().flat_map(station::examine));
    findings.extend(accelerators::examine(system));
    findings
}
