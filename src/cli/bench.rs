use std::io::Write;
use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Args;
use crosscheck::bench::{self, Report};
use crosscheck::calibration::Camera;
use crosscheck::dataset;
use crosscheck::inspect::Inspector;
use crosscheck::model::engine_file::Engine;

use super::Outcome;

/// Measure an engine on this machine: frames a second, time and operations per stage, memory.
#[derive(Args)]
pub struct Arguments {
    /// Engine file
    #[arg(long)]
    engine: PathBuf,
    /// Colour image of the frame; without one, a made frame whose part covers 30 %
    #[arg(long, requires = "xyz")]
    rgb: Option<PathBuf>,
    /// Its organised cloud
    #[arg(long, requires = "rgb")]
    xyz: Option<PathBuf>,
    /// Camera file of a depth image (TOML)
    #[arg(long, requires = "xyz")]
    camera: Option<PathBuf>,
    /// Frames measured after one that warms up
    #[arg(long, default_value_t = 10)]
    frames: usize,
    /// Print one JSON object instead of text
    #[arg(long)]
    json: bool,
}

pub fn run(arguments: &Arguments) -> Result<Outcome> {
    let engine = Engine::read(&arguments.engine)?;
    let architecture = engine.metadata.architecture.clone();
    let mut inspector = Inspector::new(engine)?;
    let frame = match (&arguments.rgb, &arguments.xyz) {
        (Some(rgb), Some(xyz)) => {
            let camera = arguments.camera.as_deref().map(Camera::read).transpose()?;
            dataset::read_frame(rgb, xyz, camera.as_ref())?
        }
        _ => bench::frame()?,
    };
    let report = bench::run(&mut inspector, &architecture, &frame, arguments.frames)?;
    let text = if arguments.json { serde_json::to_string(&report)? } else { to_text(&report) };
    writeln!(std::io::stdout(), "{text}").context("cannot print the result")?;
    Ok(Outcome::Done)
}

fn to_text(report: &Report) -> String {
    let mut text = format!(
        "{:.2} frames/s, {} threads; latency min {:.1}, median {:.1}, max {:.1} ms over {} frames; {} valid pixels\n\n",
        report.frames_per_second,
        report.threads,
        report.latency_ms.min,
        report.latency_ms.median,
        report.latency_ms.max,
        report.frames,
        report.valid_pixels
    );
    text += "stage          median ms     GFLOP   of peak\n";
    for stage in &report.stages {
        text += &format!(
            "{:<12} {:>11.1} {:>9.2} {:>8.0} %\n",
            stage.name,
            stage.median_ms,
            stage.gflop,
            stage.share_of_peak * 100.0
        );
    }
    text += &format!(
        "\nf32 GEMM peak {:.0} GFLOP/s in this run; whole frame at {:.0} % of it",
        report.gemm_peak_gflops,
        report.share_of_peak * 100.0
    );
    if let Some(megabytes) = report.peak_memory_mb {
        text += &format!("\npeak memory {megabytes:.0} MB");
    }
    text
}
