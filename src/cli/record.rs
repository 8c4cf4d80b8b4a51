use std::ops::ControlFlow;
use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use crosscheck::calibration::StationCalibration;
use crosscheck::collect::{Collected, Collector};
use crosscheck::config::Station;

use super::interrupt::stop_on_interrupt;
use super::{Outcome, parts};

/// Collect good parts from the station's camera for `fit` and `calibrate`; blurred, badly exposed or incomplete frames are left out.
#[derive(Args)]
pub struct Arguments {
    /// Configuration of the station (TOML); its outputs are not touched
    #[arg(long, value_name = "STATION")]
    config: PathBuf,
    /// Folder to write to, in MVTec 3D-AD's layout
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Good parts only, into train/good and validation/good; without it parts go to rgb and xyz in the folder itself
    #[arg(long)]
    nominal: bool,
    /// What `crosscheck calibrate-station` wrote: the belt, and how frames usually are
    #[arg(long, value_name = "FILE")]
    station_calibration: Option<PathBuf>,
    /// Parts to keep: to learn from, with --nominal
    #[arg(long, default_value_t = 20)]
    parts: usize,
    /// Further good parts to keep, to find the threshold on
    #[arg(long, default_value_t = 0, requires = "nominal")]
    validation: usize,
}

pub fn run(arguments: &Arguments) -> Result<Outcome> {
    let station = Station::read(&arguments.config)?;
    let calibration = arguments.station_calibration.as_deref().map(StationCalibration::read).transpose()?;
    let folder = if arguments.nominal { arguments.out.join("train/good") } else { arguments.out.clone() };
    let stop = stop_on_interrupt()?;
    let mut collector = Collector::open(&folder, calibration.as_ref())?;
    let belt = calibration.as_ref().map(StationCalibration::plane);
    let mut left_out = 0;
    parts::of_station(&station, belt, &stop, |frame| {
        match collector.offer(frame)? {
            Collected::Kept { name, quality } => log::info!(
                "part {name} is kept: brightness {:.0}, sharpness {:.4}, {:.1} % of the pixels have a point",
                quality.brightness,
                quality.sharpness,
                100.0 * quality.valid_share
            ),
            Collected::LeftOut { faults } => {
                left_out += 1;
                log::warn!("a part is left out: {}", faults.join("; "));
            }
        }
        if collector.kept() >= arguments.parts + arguments.validation {
            return Ok(ControlFlow::Break(()));
        }
        if collector.kept() == arguments.parts {
            collector.go_on_in(&arguments.out.join("validation/good"))?;
        }
        Ok(ControlFlow::Continue(()))
    })?;
    anyhow::ensure!(collector.kept() > 0, "no part was recorded; see the reasons above, or give the camera more time");
    log::info!("wrote {} parts to {}, left out {left_out}", collector.kept(), arguments.out.display());
    Ok(Outcome::Done)
}
