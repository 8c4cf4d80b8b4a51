use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::check::{Problems, resolve};

/// `[record]`: frames kept on disk, in MVTec 3D-AD's layout. Left out, none are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    pub folder: PathBuf,
    /// The recording's size on disk; the oldest goes first.
    #[serde(default = "quota_mb")]
    pub quota_mb: u64,
    /// Share of passed parts that are kept beside every rejected one, 0 to 1.
    #[serde(default = "pass_share")]
    pub pass_share: f64,
    /// Frames that may wait to be written; further ones are not recorded, and counted.
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
