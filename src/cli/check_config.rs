use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use crosscheck::config::Station;
use crosscheck::mqtt;
use crosscheck::runtime::camera::{opener, playback};
use crosscheck::signature::Keys;
use crosscheck::view;

use super::Exit;
use super::examples;
use super::say::print;
use super::secrets;

/// Check a station's configuration, and the camera file, the keys, the files of MQTT and of the page, and the first replayed frame that it
/// names, and print it with all defaults.
#[derive(Args)]
#[command(after_long_help = examples::CHECK_CONFIG)]
pub struct Arguments {
    /// Configuration of the station (TOML)
    #[arg(value_name = "CONFIG")]
    config: PathBuf,
}

pub fn run(arguments: &Arguments) -> Result<Exit> {
    let station = Station::read(&arguments.config)?;
    secrets::check(&station, &arguments.config)?;
    for station in station.in_each_recipe() {
        // This reads the camera file, but opens no camera.
        opener(&station.camera, station.engine.backend)?;
    }
    if let Some(replay) = &station.camera.replay {
        playback(replay)?.check()?;
    }
    Keys::read(station.engine.keys.as_deref().unwrap_or_default())?;
    station.mqtt.as_ref().map(mqtt::check_files).transpose()?;
    view::check_files(&station.view)?;
    print(toml::to_string(&station)?)?;
    Ok(Exit::Done)
}
