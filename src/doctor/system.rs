//! The files in which the kernel and the distribution describe a machine.

use std::path::PathBuf;

/// The root of the system's files: `/`, or a folder that stands for it.
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

    pub(super) fn path(&self, path: &str) -> PathBuf {
        self.root.join(path.trim_start_matches('/'))
    }

    /// Returns the trimmed text of a small file; none if it cannot be read.
    pub(super) fn read(&self, path: &str) -> Option<String> {
        std::fs::read_to_string(self.path(path)).ok().map(|text| text.trim().to_string())
    }

    pub(super) fn has(&self, path: &str) -> bool {
        self.path(path).exists()
    }
}
