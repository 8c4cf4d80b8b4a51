use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::check::{Problems, resolve};

/// `[audit]`: who did what, when, in an SQLite file that is only appended to. If left out, there is none.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Audit {
    pub file: PathBuf,
}

impl Audit {
    pub(super) fn check(&self, problems: &mut Problems) {
        problems.path("audit.file", &self.file);
    }

    pub(super) fn resolve(&mut self, folder: &Path) {
        resolve(&mut self.file, folder);
    }
}
