//! Secrets of a configuration, as the commands check them.

use std::path::Path;

use anyhow::Result;
use crosscheck::config::Station;

/// Refuses a password file that others may read, and warns of a token that they may read in the configuration at `path`.
pub fn check(station: &Station, path: &Path) -> Result<()> {
    if let Some(exposure) = station.token_exposure(path) {
        log::warn!("view.token: {exposure}");
    }
    Ok(station.check_password_file(path)?)
}
