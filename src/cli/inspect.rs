mod report;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Args;
use crosscheck::config::Station;
use crosscheck::dataset;
use crosscheck::files::{self, NewFolder};
use crosscheck::frame::RgbdFrame;
use crosscheck::inspect::{Inspection, Inspector};
use crosscheck::model::engine_file::Engine;
use crosscheck::overlay::{self, Overlay};
use crosscheck::preview::{self, PartPixels};
use crosscheck::regions::{NetworkMask, Regions};
use crosscheck::score::Thresholds;
use crosscheck::shapes::{H, W};

use super::Exit;
use super::examples;
use super::options::{EvaluationOptions, ReadingOptions, SceneOption};
use super::say::print;

/// The file that is written last: if it is there, the others are too.
const PARTS: &str = "part.png";

/// Inspect one frame. Exit code: 0 pass (or the engine has no threshold yet), 1 reject or review, 2 error.
#[derive(Args)]
#[command(after_long_help = examples::INSPECT)]
pub struct Arguments {
    /// Fitted engine file
    #[arg(long)]
    engine: PathBuf,
    /// Colour image: PNG, JPEG, BMP or TIFF
    #[arg(long)]
    rgb: PathBuf,
    /// Organised cloud registered to the colour image: float TIFF or NPY; or, with --camera, a depth image: PNG, TIFF
    /// or NPY
    #[arg(long)]
    xyz: PathBuf,
    #[command(flatten)]
    reading: ReadingOptions,
    /// Folder for anomaly_map.tiff, psi_rgb.tiff, psi_xyz.tiff, overlay.png and part.png, which shows the pixels that
    /// were taken for the part
    #[arg(long)]
    out: Option<PathBuf>,
    /// Print one JSON object instead of text
    #[arg(long)]
    json: bool,
    /// Reject above this score instead of the engine's threshold; the calibrated review band is kept
    #[arg(long, value_parser = parse_threshold)]
    threshold: Option<f32>,
    /// Station configuration (TOML) whose [regions] limit where defects count
    #[arg(long, value_name = "STATION")]
    regions: Option<PathBuf>,
    #[command(flatten)]
    scene: SceneOption,
    #[command(flatten)]
    evaluation: EvaluationOptions,
}

fn parse_threshold(text: &str) -> Result<f32, String> {
    match text.parse() {
        Ok(threshold) if f32::is_finite(threshold) => Ok(threshold),
        _ => Err("expected a finite number".into()),
    }
}

pub fn run(arguments: &Arguments) -> Result<Exit> {
    let mut inspector = inspector(arguments)?;
    let frame = dataset::read_frame(&arguments.rgb, &arguments.xyz, &arguments.reading.read()?)?;
    let named = || format!("{} with {}", arguments.rgb.display(), arguments.xyz.display());
    let mut inspections = Vec::new();
    for at in inspector.parts(&frame).with_context(named)? {
        inspections.push((at, inspector.inspect_part(&frame, at).with_context(named)?));
    }
    let threshold = inspector.thresholds().map(|t| t.reject);
    if let Some(out) = &arguments.out {
        write_all(out, &frame, &inspections, threshold)?;
    }
    let text = if arguments.json {
        report::to_json(&inspections, threshold, inspector.evaluation())
    } else {
        inspections
            .iter()
            .map(|(at, inspection)| report::to_text(*at, inspection, threshold))
            .collect::<Vec<_>>()
            .join("\n\n")
    };
    print(text)?;
    for doubt in inspections.iter().filter_map(|(_, inspection)| inspection.doubt) {
        log::warn!("{doubt}");
    }
    let is_any_rejected = inspections.iter().any(|(_, inspection)| inspection.outcome.rejects());
    Ok(if is_any_rejected { Exit::Rejected } else { Exit::Done })
}

fn inspector(arguments: &Arguments) -> Result<Inspector> {
    let mut engine = Engine::read(&arguments.engine)?;
    let scene = arguments.scene.read()?;
    let prepared = scene.as_ref().map(|scene| scene.prepare(&engine.metadata.preparation)).transpose()?;
    let prepared = prepared.unwrap_or_else(|| engine.metadata.preparation.clone());
    engine.prepare_as(arguments.evaluation.apply(&prepared))?;
    let mut inspector =
        Inspector::on_machine(arguments.evaluation.backend(), engine, arguments.evaluation.arithmetic())?;
    inspector.reject_doubtful(scene.is_some_and(|scene| scene.rejects_doubtful()));
    if let Some(reject) = arguments.threshold {
        let own = inspector.thresholds().unwrap_or(Thresholds { reject, review: None });
        inspector.set_thresholds(own.with_reject(reject));
    }
    if let Some(station) = &arguments.regions {
        let regions = Regions::read(&Station::read(station)?.regions)?;
        inspector.replace_regions(regions.map(NetworkMask::new));
    }
    Ok(inspector)
}

/// The maps of each part in the folder itself, or in one for each where there are several.
fn write_all(
    out: &Path,
    frame: &RgbdFrame,
    inspections: &[(Option<[f32; 2]>, Inspection)],
    threshold: Option<f32>,
) -> Result<()> {
    let failed = || format!("cannot write into {}", out.display());
    files::make_folder(out).with_context(|| format!("cannot make the folder {}", out.display()))?;
    let new = NewFolder::beside(&out.join(PARTS)).with_context(failed)?;
    for (number, (at, inspection)) in inspections.iter().enumerate() {
        let within = |folder: &Path| at.map_or(folder.to_path_buf(), |_| folder.join(format!("part_{number}")));
        write_pictures(&within(new.path()), &within(out), frame, inspection, threshold)?;
    }
    let parts: Vec<PartPixels> = inspections.iter().map(|(_, inspection)| PartPixels::of(&inspection.input)).collect();
    overlay::write(&new.path().join(PARTS), &preview::picture(frame.into(), &parts)).with_context(failed)?;
    new.move_into(out, PARTS).with_context(failed)
}

/// The maps of the network frame and the picture of the photograph's, in `folder`, from where they come to `out`.
fn write_pictures(
    folder: &Path,
    out: &Path,
    frame: &RgbdFrame,
    inspection: &Inspection,
    threshold: Option<f32>,
) -> Result<()> {
    let failed = |name: &str| format!("cannot write {}", out.join(name).display());
    files::make_folder(folder).with_context(|| format!("cannot make the folder {}", out.display()))?;
    let maps = &inspection.maps;
    for (name, map) in
        [("anomaly_map.tiff", &maps.anomaly_map), ("psi_rgb.tiff", &maps.psi_rgb), ("psi_xyz.tiff", &maps.psi_xyz)]
    {
        dataset::write_map(&folder.join(name), map, W, H).with_context(|| failed(name))?;
    }
    let name = "overlay.png";
    let picture = overlay::overlay(&Overlay::from_inspection(frame, inspection, threshold));
    overlay::write(&folder.join(name), &picture).with_context(|| failed(name))
}
