//! Checks of a configuration's secrets that commands make.

use std::path::Path;

use anyhow::Result;
use crosscheck::config::Station;

/// Refuses a password file that other users may read, and warns if they may read a token in the configuration at
/// `path`.
pub fn check(station: &Station, path: &Path) -> Result<()> {
    if let Some(exposure) = station.token_exposure(path) {
        log::warn!("view.token: {exposure}");
    }
    Ok(station.check_password_file(path)?)
}
