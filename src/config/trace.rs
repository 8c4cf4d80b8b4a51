use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::check::{Problems, resolve};

/// `[trace]`: one row of an SQLite file for every part. If left out, there is none.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trace {
    pub file: PathBuf,
    /// Largest number of parts in the file; the oldest are removed first.
    #[serde(default = "parts_max")]
    pub parts_max: u64,
    /// Time from one write to the next: what a power cut can take, milliseconds.
    #[serde(default = "commit_ms")]
    pub commit_ms: f64,
    /// Number of parts that may wait while the file cannot be written. Further ones are lost, which is counted and recorded.
    #[serde(default = "queue_parts_max")]
    pub queue_parts_max: u32,
}

fn parts_max() -> u64 {
    10_000_000
}

fn commit_ms() -> f64 {
    250.0
}

fn queue_parts_max() -> u32 {
    10_000
}

impl Trace {
    pub(super) fn check(&self, problems: &mut Problems) {
        problems.path("trace.file", &self.file);
        problems.range("trace.parts_max", self.parts_max, 1_000..=1_000_000_000);
        problems.range("trace.commit_ms", self.commit_ms, 10.0..=10_000.0);
        problems.range("trace.queue_parts_max", self.queue_parts_max, 100..=1_000_000);
    }

    pub(super) fn resolve(&mut self, folder: &Path) {
        resolve(&mut self.file, folder);
    }
}
