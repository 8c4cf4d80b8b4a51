use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Args;
use crosscheck::bench::line::{self, LineReport};
use crosscheck::bench::{self, Report};
use crosscheck::calibration::Intrinsics;
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
    /// Intrinsics of a depth image's camera (TOML)
    #[arg(long, requires = "xyz")]
    camera: Option<PathBuf>,
    /// Frames measured after one that warms up
    #[arg(long, default_value_t = 10)]
    frames: usize,
    /// Measure a whole station on a simulated line instead: from a frame's capture to the edge at the reject output
    #[arg(long, conflicts_with = "frames")]
    line: bool,
    /// How long the line runs
    #[arg(long, default_value_t = 60, requires = "line")]
    seconds: u64,
    /// Frames a second on the line; seven tenths of what the engine can do when left out
    #[arg(long, requires = "line", value_parser = parse_rate)]
    rate: Option<f64>,
    /// Print one JSON object instead of text
    #[arg(long)]
    json: bool,
}

fn parse_rate(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(rate) if (0.01..=1000.0).contains(&rate) => Ok(rate),
        _ => Err("expected 0.01 to 1000 frames a second".into()),
    }
}

pub fn run(arguments: &Arguments) -> Result<Outcome> {
    let frame = match (&arguments.rgb, &arguments.xyz) {
        (Some(rgb), Some(xyz)) => {
            let camera = arguments.camera.as_deref().map(Intrinsics::read).transpose()?;
            dataset::read_frame(rgb, xyz, camera.as_ref())?
        }
        _ => bench::frame()?,
    };
    let text = if arguments.line {
        let report = line::run(&arguments.engine, &frame, Duration::from_secs(arguments.seconds), arguments.rate)?;
        if arguments.json { serde_json::to_string(&report)? } else { line_to_text(&report) }
    } else {
        let engine = Engine::read(&arguments.engine)?;
        let architecture = engine.metadata.architecture.clone();
        let report = bench::run(&mut Inspector::new(engine)?, &architecture, &frame, arguments.frames)?;
        if arguments.json { serde_json::to_string(&report)? } else { to_text(&report) }
    };
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

fn line_to_text(report: &LineReport) -> String {
    let LineReport { hardware, parts, frames_per_second, delay_ms, without_verdict, late, latencies } = report;
    let mut text = format!(
        "{hardware}\n{parts} parts at {frames_per_second:.2} frames/s, the ejector {delay_ms:.0} ms behind the camera; {without_verdict} without a verdict, {late} late\n\n"
    );
    text += "ms                     p50      p95      p99    p99.9      max    count";
    for row in latencies {
        let times = [row.p50_ms, row.p95_ms, row.p99_ms, row.p999_ms, row.max_ms].map(|ms| format!(" {ms:>8.2}"));
        text += &format!("\n{:<18}{} {:>8}", row.name, times.concat(), row.count);
    }
    text
}
