use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Args;
use crosscheck::config::Station;
use crosscheck::station::{self, Signals};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

use super::Exit;
use super::options::SceneOption;
use super::secrets;

/// Run a station: frames in, rejects out, until it is told to stop. SIGHUP reads engine, thresholds and regions again.
#[derive(Args)]
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
    let signals = listen().context("cannot listen to signals")?;
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
