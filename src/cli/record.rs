use std::ops::ControlFlow;
use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use crosscheck::calibration::StationCalibration;
use crosscheck::collect::{Collected, Sets, live};
use crosscheck::config::Station;

use super::interrupt::stop_on_interrupt;
use super::options::SceneOption;
use super::{Exit, examples};

/// Store frames of good parts from the station's camera for `fit` and `calibrate`; blurred, badly exposed, incomplete
/// and repeated frames are left out.
#[derive(Args)]
#[command(after_long_help = examples::RECORD)]
pub struct Arguments {
    /// Configuration of the station (TOML); its outputs are not driven
    #[arg(long, value_name = "STATION")]
    config: PathBuf,
    /// Folder to write to, in MVTec 3D-AD's layout
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// All parts are good: write them to train/good and validation/good; without this option they are written to rgb
    /// and xyz in the folder itself
    #[arg(long)]
    nominal: bool,
    /// Output of `crosscheck calibrate-station`: the belt, and the usual brightness, sharpness and share of valid
    /// pixels
    #[arg(long, value_name = "FILE")]
    station_calibration: Option<PathBuf>,
    #[command(flatten)]
    scene: SceneOption,
    /// Parts to store; with --nominal, parts to learn from
    #[arg(long, default_value_t = 20, value_parser = parse_parts)]
    parts: usize,
    /// Further good parts to store, for finding the threshold
    #[arg(long, default_value_t = 0, requires = "nominal")]
    validation: usize,
}

fn parse_parts(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(parts) if parts > 0 => Ok(parts),
        _ => Err("expected a number of parts, 1 or more".into()),
    }
}

pub fn run(arguments: &Arguments) -> Result<Exit> {
    let mut station = Station::read(&arguments.config)?;
    station.scene = arguments.scene.read()?.or(station.scene);
    let calibration = arguments.station_calibration.as_deref().map(StationCalibration::read).transpose()?;
    let folder = if arguments.nominal { arguments.out.join("train/good") } else { arguments.out.clone() };
    let validation = arguments.out.join("validation/good");
    let stop = stop_on_interrupt()?;
    let missing = [arguments.parts, arguments.validation];
    let mut sets = Sets::open([&folder, &validation], missing, calibration.as_ref(), &station.preparation()?)?;
    let belt = calibration.as_ref().map(StationCalibration::plane);
    let mut left_out = 0;
    live::of_station(&station, belt, &stop, |frame| -> Result<ControlFlow<()>> {
        left_out += usize::from(!tell(&sets.offer(frame)?));
        Ok(if sets.missing() == 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
    })?;
    anyhow::ensure!(sets.kept() > 0, "no part was recorded; see the reasons above, or give the camera more time");
    let (kept, wanted) = (sets.kept(), arguments.parts + arguments.validation);
    let out = arguments.out.display();
    anyhow::ensure!(
        kept >= wanted,
        "{kept} of {wanted} parts are in {out} and {left_out} were left out when the command was interrupted or no more parts came: run it again for the others"
    );
    log::info!("wrote {kept} parts to {out}, left out {left_out}");
    Ok(Exit::Done)
}

/// Logs what became of a part; returns whether it was kept.
pub fn tell(collected: &Collected) -> bool {
    match collected {
        Collected::Kept { name, quality } => log::info!(
            "part {name} is stored: brightness {:.0}, sharpness {:.4}, {:.1} % of the pixels have a point",
            quality.brightness,
            quality.sharpness,
            100.0 * quality.valid_share
        ),
        Collected::LeftOut { faults } => log::warn!("a part is left out: {}", faults.join("; ")),
    }
    matches!(collected, Collected::Kept { .. })
}
