use std::io::Write;
use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Args;
use crosscheck::bench::{self, Report, Subject};
use crosscheck::calibration::Intrinsics;
use crosscheck::dataset;
use crosscheck::inspect::Inspector;

use super::Outcome;
use super::options::{EngineOption, EvaluationOptions};

/// Measure an engine on this machine: frames a second, time and operations per stage, memory.
#[derive(Args)]
pub struct Arguments {
    #[command(flatten)]
    engine: EngineOption,
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
    /// Inspect frames one upon the other, and report what is sustained
    #[arg(long)]
    streaming: bool,
    #[command(flatten)]
    evaluation: EvaluationOptions,
    /// Print one JSON object instead of text
    #[arg(long)]
    json: bool,
}

pub fn run(arguments: &Arguments) -> Result<Outcome> {
    let mut engine = arguments.engine.read()?;
    if !engine.is_fitted() {
        log::info!("the engine has no mappings yet: made-up ones stand in, which take as long");
        engine = bench::with_mappings(engine);
    }
    engine.metadata.preparation = arguments.evaluation.apply(engine.metadata.preparation);
    let (architecture, stride) = (engine.metadata.architecture.clone(), engine.metadata.preparation.stride);
    let arithmetic = arguments.evaluation.arithmetic();
    let mut inspector = Inspector::with_arithmetic(engine, arithmetic)?;
    let frame = match (&arguments.rgb, &arguments.xyz) {
        (Some(rgb), Some(xyz)) => {
            let camera = arguments.camera.as_deref().map(Intrinsics::read).transpose()?;
            dataset::read_frame(rgb, xyz, camera.as_ref())?
        }
        _ => bench::frame()?,
    };
    let subject = Subject { architecture: &architecture, stride, arithmetic, frame: &frame };
    let report = bench::run(&mut inspector, &subject, arguments.frames, arguments.streaming)?;
    let text = if arguments.json { serde_json::to_string(&report)? } else { to_text(&report) };
    writeln!(std::io::stdout(), "{text}").context("cannot print the result")?;
    Ok(Outcome::Done)
}

fn to_text(report: &Report) -> String {
    let latency = &report.latency_ms;
    let mut text = format!(
        "{:.2} frames/s{}, {} threads, {} ({}), stride {}; {} valid pixels\nlatency min {:.1}, median {:.1}, p95 {:.1}, p99 {:.1}, max {:.1} ms over {} frames",
        report.frames_per_second,
        if report.streaming { " sustained" } else { "" },
        report.threads,
        report.precision,
        report.instruction_set,
        report.stride,
        report.valid_pixels,
        latency.min,
        latency.median,
        latency.p95,
        latency.p99,
        latency.max,
        report.frames
    );
    if let Some(milliseconds) = report.processor_ms {
        text += &format!("; {milliseconds:.0} ms of processor time a frame");
    }
    text += "\n\nstage          median ms     GFLOP        MB  floor ms  of floor\n";
    for stage in &report.stages {
        text += &format!(
            "{:<12} {:>11.1} {:>9.2} {:>9.1} {:>9.1} {:>7.0} %\n",
            stage.name,
            stage.median_ms,
            stage.gflop,
            stage.megabytes,
            stage.floor_ms,
            stage.share_of_floor * 100.0
        );
    }
    text += &format!(
        "\nceilings in this run: {:.0} GFLOP/s (f32 GEMM), {:.1} GB/s (copy); whole frame at {:.0} % of the GEMM's",
        report.gemm_peak_gflops,
        report.copy_peak_gb_per_s,
        report.share_of_peak * 100.0
    );
    if let Some(megabytes) = report.peak_memory_mb {
        text += &format!("\npeak memory {megabytes:.0} MB");
    }
    text
}
