use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Args;
use crosscheck::calibration::station::{Measured, PartSize, Proposal, StationCalibration};
use crosscheck::collect::live;
use crosscheck::config::Station;
use crosscheck::dataset::frames_under;
use crosscheck::frame::Region;
use crosscheck::model::PointMaeShape;
use crosscheck::teach::survey::{self, Pictured};

use super::Exit;
use super::examples;
use super::interrupt::stop_on_interrupt;
use super::options::{EngineOption, ReadingOptions, SceneOption};
use super::say::print;

/// Measure the belt, the part on it and the light, warn if the geometry does not suit the method, and propose a [scene]
/// for --scene, with a picture beside it.
#[derive(Args)]
#[command(after_long_help = examples::CALIBRATE_STATION)]
pub struct Arguments {
    /// Folder with frames of good parts on the belt, in any layout; several folders are separated by commas
    #[arg(
        long,
        value_name = "DIR",
        value_delimiter = ',',
        required_unless_present = "config",
        conflicts_with = "config"
    )]
    frames: Vec<PathBuf>,
    /// Configuration of the station (TOML) whose camera is measured now; its outputs are not driven
    #[arg(long, value_name = "STATION")]
    config: Option<PathBuf>,
    /// Parts to measure with --config
    #[arg(long, default_value_t = 20)]
    parts: usize,
    #[command(flatten)]
    reading: ReadingOptions,
    #[command(flatten)]
    scene: SceneOption,
    #[command(flatten)]
    engine: EngineOption,
    /// Station calibration (TOML) to write
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
}

pub fn run(arguments: &Arguments) -> Result<Exit> {
    super::output::check(&arguments.output)?;
    let shape = arguments.engine.read()?.metadata.architecture.xyz;
    let station = arguments.config.as_deref().map(Station::read).transpose()?;
    let known = arguments.scene.read()?.or(station.as_ref().and_then(|station| station.scene.clone()));
    let mut seen = Pictured::new(known)?;
    match &station {
        Some(station) => see_live(&mut seen, station, arguments.parts)?,
        None => see_folders(&mut seen, arguments)?,
    }
    finish(&seen, &shape, &arguments.output)
}

fn see_folders(seen: &mut Pictured, arguments: &Arguments) -> Result<()> {
    let reading = arguments.reading.read()?;
    let mut entries = Vec::new();
    for folder in &arguments.frames {
        entries.extend(frames_under(folder, &reading)?);
    }
    let bar = super::progress::frames_bar(entries.len(), "station");
    for entry in &entries {
        seen.add(&entry.frame()?).with_context(|| entry.rgb.display().to_string())?;
        bar.inc(1);
    }
    bar.finish_and_clear();
    Ok(())
}

fn see_live(seen: &mut Pictured, station: &Station, parts: usize) -> Result<()> {
    let stop = stop_on_interrupt()?;
    let bar = super::progress::frames_bar(parts, "station");
    live::of_station(station, None, &stop, |frame| -> Result<ControlFlow<()>> {
        seen.add(frame)?;
        bar.inc(1);
        Ok(if bar.position() < parts as u64 { ControlFlow::Continue(()) } else { ControlFlow::Break(()) })
    })?;
    bar.finish_and_clear();
    Ok(())
}

/// Writes and prints the station calibration.
fn finish(seen: &Pictured, shape: &PointMaeShape, output: &Path) -> Result<Exit> {
    let (station, picture) = seen.write(output)?;
    log::info!("wrote {}: the pixels that the proposed [scene] takes for the part", picture.display());
    print(to_text(&station))?;
    survey::doubts(&station, shape).iter().for_each(|warning| log::warn!("{warning}"));
    log::info!("wrote {}", output.display());
    Ok(Exit::Done)
}

fn to_text(station: &StationCalibration) -> String {
    let Some(measured) = &station.measured else { return String::new() };
    let Measured { belt, usual, .. } = measured;
    let part = measured.part.as_ref().map_or("no frame shows one whole".into(), part_to_text);
    let Region { x, y, width, height } = measured.region_of_interest;
    let (right, bottom) = (x + width, y + height);
    [
        format!(
            "frames      {} of {} x {}, {} with the whole part",
            measured.frames, measured.width, measured.height, measured.frames_with_part
        ),
        format!(
            "belt        {:.1} mm away, tilted by {:.1} degrees; {:.0} % of the border shows it and {:.0} % of all points lie on it; flat to {:.2} mm; frames differ by {:.2} mm and {:.2} degrees at most",
            1e3 * belt.working_distance_m,
            belt.tilt_deg,
            100.0 * belt.border_share,
            100.0 * belt.cloud_share,
            1e3 * belt.residual_m,
            1e3 * belt.shift_m_max,
            belt.turn_deg_max
        ),
        format!("part        {part}"),
        format!(
            "usual       brightness {:.0}, {:.1} % of the pixels at the end of their range, {:.1} % with a point",
            usual.brightness,
            100.0 * usual.clipped_share,
            100.0 * usual.valid_share
        ),
        format!("region      polygon = [[{x}, {y}], [{right}, {y}], [{right}, {bottom}], [{x}, {bottom}]]"),
        format!("scene       {}", station.scene.as_ref().map_or("none".into(), Proposal::describe)),
    ]
    .join("\n")
}

fn part_to_text(part: &PartSize) -> String {
    format!(
        "{:.1} x {:.1} x {:.1} mm, {:.0} % of the frame; {} points for the shape network, {:.2} mm apart",
        1e3 * part.length_m,
        1e3 * part.width_m,
        1e3 * part.height_m,
        100.0 * part.frame_share,
        part.points,
        1e3 * part.point_spacing_m
    )
}
