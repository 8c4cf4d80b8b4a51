use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use crosscheck::config::Station;

use super::Outcome;

/// Check a station's configuration and print it with every default filled in.
#[derive(Args)]
pub struct Arguments {
    /// Configuration of the station (TOML)
    #[arg(value_name = "CONFIG")]
    config: PathBuf,
}

pub fn run(arguments: &Arguments) -> Result<Outcome> {
    let station = Station::read(&arguments.config)?;
    print!("{}", toml::to_string(&station)?);
    Ok(Outcome::Done)
}
