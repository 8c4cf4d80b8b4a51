use std::io::Write;
use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Args;
use crosscheck::config::Station;
use crosscheck::runtime::camera::opener;

use super::Outcome;

/// Check a station's configuration and the camera file that it names, and print it with every default filled in.
#[derive(Args)]
pub struct Arguments {
    /// Configuration of the station (TOML)
    #[arg(value_name = "CONFIG")]
    config: PathBuf,
}

pub fn run(arguments: &Arguments) -> Result<Outcome> {
    let station = Station::read(&arguments.config)?;
    // Reads the camera file, and opens no camera.
    opener(&station.camera, station.engine.backend)?;
    write!(std::io::stdout(), "{}", toml::to_string(&station)?).context("cannot print the result")?;
    Ok(Outcome::Done)
}
