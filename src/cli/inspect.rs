use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Args;
use crosscheck::backend::cpu::CpuOptions;
use crosscheck::calibration::Camera;
use crosscheck::config::Station;
use crosscheck::dataset;
use crosscheck::frame::RgbdFrame;
use crosscheck::inspect::{Inspection, Inspector};
use crosscheck::model::engine_file::Engine;
use crosscheck::overlay::{self, Overlay};
use crosscheck::regions::{NetworkMask, Regions};
use crosscheck::score::{Thresholds, Verdict};
use crosscheck::shapes::{H, W};
use image::RgbImage;
use serde_json::{Map, Value, json};

use super::Outcome;
use super::options::{EvaluationOptions, PreparationOptions};

/// Inspect one frame: exit code 0 pass (or no threshold yet), 1 reject or review, 2 error.
#[derive(Args)]
pub struct Arguments {
    /// Engine file, from `crosscheck import` or `crosscheck fit`
    #[arg(long)]
    engine: PathBuf,
    /// Colour image: PNG or JPEG
    #[arg(long)]
    rgb: PathBuf,
    /// Organised cloud registered to it: float TIFF, NPY, or a 16-bit depth PNG with --camera
    #[arg(long)]
    xyz: PathBuf,
    /// Camera file of a depth image (TOML)
    #[arg(long)]
    camera: Option<PathBuf>,
    /// Folder for anomaly_map.tiff, psi_rgb.tiff, psi_xyz.tiff and overlay.png
    #[arg(long)]
    out: Option<PathBuf>,
    /// Print one JSON object instead of text
    #[arg(long)]
    json: bool,
    /// Reject above this score instead of the engine's threshold
    #[arg(long, value_parser = parse_threshold)]
    threshold: Option<f32>,
    /// Where defects count, as the regions of this station have it (TOML)
    #[arg(long, value_name = "STATION")]
    regions: Option<PathBuf>,
    #[command(flatten)]
    preparation: PreparationOptions,
    #[command(flatten)]
    evaluation: EvaluationOptions,
}

fn parse_threshold(text: &str) -> Result<f32, String> {
    match text.parse() {
        Ok(threshold) if f32::is_finite(threshold) => Ok(threshold),
        _ => Err("expected a finite number".into()),
    }
}

pub fn run(arguments: &Arguments) -> Result<Outcome> {
    let mut engine = Engine::read(&arguments.engine)?;
    let preparation = arguments.preparation.apply(engine.metadata.preparation)?;
    engine.metadata.prepare_as(arguments.evaluation.apply(preparation))?;
    let (arithmetic, stride) = (arguments.evaluation.arithmetic(), engine.metadata.preparation.stride);
    let mut inspector = Inspector::on(arguments.evaluation.backend(), engine, arithmetic)?;
    if let Some(reject) = arguments.threshold {
        inspector.set_thresholds(Thresholds { reject, review: None });
    }
    if let Some(station) = &arguments.regions {
        let regions = Regions::read(&Station::read(station)?.regions)?;
        inspector.replace_regions(regions.map(NetworkMask::new));
    }
    let camera = arguments.camera.as_deref().map(Camera::read).transpose()?;
    let frame = dataset::read_frame(&arguments.rgb, &arguments.xyz, camera.as_ref())?;
    let inspection = inspector
        .inspect(&frame)
        .with_context(|| format!("{} with {}", arguments.rgb.display(), arguments.xyz.display()))?;
    if let Some(out) = &arguments.out {
        write_pictures(out, &frame, &inspection, inspector.thresholds().map(|t| t.reject))?;
    }
    let text = if arguments.json {
        to_json(&inspection, inspector.thresholds().map(|t| t.reject), CpuOptions { arithmetic, stride })
    } else {
        to_text(&inspection, inspector.thresholds().map(|t| t.reject))
    };
    writeln!(std::io::stdout(), "{text}").context("cannot print the result")?;
    Ok(if matches!(inspection.verdict, None | Some(Verdict::Pass)) { Outcome::Done } else { Outcome::Rejected })
}

/// The maps of the network frame and the picture of the photograph's.
fn write_pictures(out: &Path, frame: &RgbdFrame, inspection: &Inspection, threshold: Option<f32>) -> Result<()> {
    std::fs::create_dir_all(out).with_context(|| format!("cannot make the folder {}", out.display()))?;
    let maps = &inspection.maps;
    for (name, map) in
        [("anomaly_map.tiff", &maps.anomaly_map), ("psi_rgb.tiff", &maps.psi_rgb), ("psi_xyz.tiff", &maps.psi_xyz)]
    {
        let path = out.join(name);
        dataset::write_map(&path, map, W, H).with_context(|| format!("cannot write {}", path.display()))?;
    }
    let path = out.join("overlay.png");
    overlay::write(&path, &draw(frame, inspection, threshold))
        .with_context(|| format!("cannot write {}", path.display()))
}

/// The heat map over the photograph.
pub fn draw(frame: &RgbdFrame, inspection: &Inspection, threshold: Option<f32>) -> RgbImage {
    overlay::overlay(&overlay_of(frame, inspection, threshold))
}

/// What a picture of an inspection shows.
pub fn overlay_of<'a>(frame: &'a RgbdFrame, inspection: &'a Inspection, threshold: Option<f32>) -> Overlay<'a> {
    let maps = &inspection.maps;
    Overlay {
        photograph: frame.into(),
        anomaly_map: &maps.anomaly_map,
        valid: &maps.valid,
        score: inspection.scores.map(|s| s.score),
        threshold,
        verdict: inspection.verdict,
    }
}

fn to_json(inspection: &Inspection, threshold: Option<f32>, evaluated: CpuOptions) -> String {
    let milliseconds = |(name, time): (&str, std::time::Duration)| (name.to_string(), json!(time.as_secs_f64() * 1e3));
    let mut times: Map<String, Value> = inspection.times.stages().into_iter().map(milliseconds).collect();
    times.extend([milliseconds(("total", inspection.times.total()))]);
    json!({
        "score": inspection.scores.map(|s| s.score),
        "score_reference": inspection.scores.map(|s| s.reference),
        "threshold": threshold,
        "verdict": inspection.verdict,
        "reason": inspection.reason.map(|reason| reason.to_string()),
        "valid_pixels": inspection.valid_pixels(),
        "precision": evaluated.arithmetic.name(),
        "stride": evaluated.stride.pixels(),
        "times_ms": times,
    })
    .to_string()
}

fn to_text(inspection: &Inspection, threshold: Option<f32>) -> String {
    let score = match (&inspection.scores, &inspection.reason) {
        (Some(s), _) => format!("{:.6} (reference {:.6})", s.score, s.reference),
        (None, Some(reason)) => format!("none: {reason}"),
        (None, None) => "none".into(),
    };
    let verdict = match (inspection.verdict, threshold) {
        (Some(verdict), Some(threshold)) => format!("{verdict}, threshold {threshold:.6}"),
        (Some(verdict), None) => verdict.to_string(),
        (None, _) => "none: the engine has no threshold; calibrate it, or give --threshold".into(),
    };
    let stages = inspection.times.stages().map(|(name, time)| format!("{name} {:.1}", time.as_secs_f64() * 1e3));
    format!(
        "score         {score}\nverdict       {verdict}\nvalid pixels  {}\ntime          {:.1} ms ({})",
        inspection.valid_pixels(),
        inspection.times.total().as_secs_f64() * 1e3,
        stages.join(", ")
    )
}
