use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::check::{Problems, resolve};

/// `[record]`: parts that are recorded on disk, in MVTec 3D-AD's layout. If left out, no part is recorded.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    pub folder: PathBuf,
    /// Largest size of the recording on disk, in units of 2^20 bytes; the oldest parts are removed first.
    #[serde(default = "quota_mb")]
    pub quota_mb: u64,
    /// Share of passed parts that are recorded, 0 to 1. Every rejected part is.
    #[serde(default = "pass_share")]
    pub pass_share: f64,
    /// Number of parts that may wait to be written. Further ones are counted but not recorded.
    #[serde(default = "queue_frames_max")]
    pub queue_frames_max: u32,
}

fn quota_mb() -> u64 {
    4_096
}

fn pass_share() -> f64 {
    0.01
}

fn queue_frames_max() -> u32 {
    4
}

impl Record {
    pub(super) fn check(&self, problems: &mut Problems) {
        problems.path("record.folder", &self.folder);
        problems.range("record.quota_mb", self.quota_mb, 16..=100_000_000);
        problems.range("record.pass_share", self.pass_share, 0.0..=1.0);
        problems.range("record.queue_frames_max", self.queue_frames_max, 1..=64);
    }

    pub(super) fn resolve(&mut self, folder: &Path) {
        resolve(&mut self.folder, folder);
    }
}
