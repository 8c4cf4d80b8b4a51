//! Checks the file that a command will write.

use std::path::Path;

use anyhow::{Context, Result};
use crosscheck::files;

/// Fails if `path` cannot be written. Called before the work whose result it will hold.
pub fn check(path: &Path) -> Result<()> {
    files::check_target(path).with_context(|| format!("cannot write {}", path.display()))
}
