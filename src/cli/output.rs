//! Where a command writes to.

use std::path::Path;

use anyhow::{Context, Result};
use crosscheck::files;

/// Fails if `path` could not be written, before the work for it is done.
pub fn check(path: &Path) -> Result<()> {
    files::check_target(path).with_context(|| format!("cannot write {}", path.display()))
}
