//! Checks of a configuration's secrets that commands make.

use std::path::Path;

use anyhow::Result;
use crosscheck::config::Station;
use crosscheck::config::mqtt::Mqtt;
use crosscheck::people::Accounts;

/// Refuses files with secrets that other users may read, and accounts that others may write or that are wrong. Warns if they may read a token in the configuration at `path`, and
/// if a password would be sent unencrypted.
pub fn check(station: &Station, path: &Path) -> Result<()> {
    if let Some(exposure) = station.token_exposure(path) {
        log::warn!("view.token: {exposure}");
    }
    if let Some(accounts) = &station.view.accounts {
        Accounts::read(accounts)?;
        if let Some(exposure) = Accounts::exposure(accounts) {
            log::warn!("view.accounts: {exposure}");
        }
    }
    if let Some(warning) = station.mqtt.as_ref().and_then(Mqtt::plain_password) {
        log::warn!("{warning}");
    }
    Ok(station.check_secret_files(path)?)
}
