use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Args;
use crosscheck::config::Station;
use crosscheck::station::{self, Signals};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

use super::Exit;
use super::examples;
use super::options::SceneOption;
use super::secrets;

/// Run a station until it is stopped. SIGTERM stops it with its outputs in the safe state; SIGHUP reloads engine,
/// thresholds, scene and regions.
#[derive(Args)]
#[command(after_long_help = examples::RUN)]
pub struct Arguments {
    /// Configuration of the station (TOML)
    #[arg(long, value_name = "STATION")]
    config: PathBuf,
    #[command(flatten)]
    scene: SceneOption,
}

pub fn run(arguments: &Arguments) -> Result<Exit> {
    let path = arguments.config.as_path();
    let mut station = Station::read(path)?;
    secrets::check(&station, path)?;
    station.scene = arguments.scene.read()?.or(station.scene);
    let signals = listen().context("cannot install the signal handlers")?;
    station::run(&station, path, signals)?;
    Ok(Exit::Done)
}

fn listen() -> std::io::Result<Signals> {
    let signals = Signals::default();
    for stop in [SIGTERM, SIGINT] {
        signal_hook::flag::register(stop, signals.stop.clone())?;
    }
    signal_hook::flag::register(SIGHUP, signals.reload.clone())?;
    Ok(signals)
}
