use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Args;
use crosscheck::bench::gpu::{Gpu, Memory};
use crosscheck::bench::line::{self, LineReport};
use crosscheck::bench::registration;
use crosscheck::bench::sweep::{self, Axis};
use crosscheck::bench::{self, Report, Spread, Subject};
use crosscheck::calibration::Camera;
use crosscheck::dataset;
use crosscheck::frame::RgbdFrame;
use crosscheck::inspect::Inspector;
use crosscheck::model::Score;

use super::Exit;
use super::examples;
use super::options::{EngineOption, EvaluationOptions, ReadingOptions, SceneOption, one_of};
use super::progress::frames_bar;
use super::say::print;

/// Measure an engine's speed on this machine: frames a second, time and operations of each stage, memory. An engine
/// without mappings gets random ones, which take the same time.
#[derive(Args)]
#[command(after_long_help = examples::BENCH)]
pub struct Arguments {
    #[command(flatten)]
    engine: EngineOption,
    /// Colour image of the frame; if left out, a synthetic frame whose part covers 30 % of the pixels
    #[arg(long, requires = "xyz")]
    rgb: Option<PathBuf>,
    /// Organised cloud of the frame, or a depth image with --camera
    #[arg(long, requires = "rgb")]
    xyz: Option<PathBuf>,
    #[command(flatten)]
    reading: ReadingOptions,
    #[command(flatten)]
    scene: SceneOption,
    /// Score of the random mappings; the engine's own if left out
    #[arg(long, value_parser = one_of::<Score>(Score::WORDS), conflicts_with_all = ["sweep", "line", "registration"])]
    score: Option<Score>,
    /// Frames to measure, after one for warming up
    #[arg(long, default_value_t = 10)]
    frames: usize,
    /// Inspect frames back to back, on a GPU each prepared while the one before is scored, and report the sustained rate
    #[arg(long)]
    streaming: bool,
    /// Vary valid pixels, groups, points in a group and blocks, one at a time, and write plots of the time into this
    /// folder
    #[arg(long, value_name = "DIR", conflicts_with_all = ["rgb", "streaming", "line", "stride", "backend", "json", "scene"])]
    sweep: Option<PathBuf>,
    /// Measure a whole station on a simulated production line instead, from a frame's capture to the edge at the reject
    /// output
    #[arg(long, conflicts_with_all = ["frames", "streaming", "stride", "precision", "backend", "scene"])]
    line: bool,
    /// Duration of --line, seconds
    #[arg(long, default_value_t = 60, requires = "line")]
    seconds: u64,
    /// Measure the registration of depth to colour instead, on one core or the GPU, with the lenses of this camera file
    #[arg(long, value_name = "CAMERA", conflicts_with_all = ["rgb", "streaming", "sweep", "line", "stride", "precision", "engine", "scene"])]
    registration: Option<PathBuf>,
    /// Frames a second of --line; if left out, half of the rate that the engine can sustain
    #[arg(long, requires = "line", value_parser = parse_rate)]
    rate: Option<f64>,
    #[command(flatten)]
    evaluation: EvaluationOptions,
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

pub fn run(arguments: &Arguments) -> Result<Exit> {
    anyhow::ensure!(
        arguments.xyz.is_some() || !arguments.reading.is_given(),
        "--camera, --cloud-unit and --no-point state how a cloud is read: give one with --xyz"
    );
    if let Some(folder) = &arguments.sweep {
        return run_sweep(arguments, folder);
    }
    if let Some(path) = &arguments.registration {
        let machine = arguments.evaluation.backend().machine();
        let report = registration::measure(&Camera::read(path)?, machine, arguments.frames)?;
        let text = if arguments.json { serde_json::to_string(&report)? } else { registration_to_text(&report) };
        print(text)?;
        return Ok(Exit::Done);
    }
    let frame = match (&arguments.rgb, &arguments.xyz) {
        (Some(rgb), Some(xyz)) => dataset::read_frame(rgb, xyz, &arguments.reading.read()?)?,
        _ => bench::frame(bench::VALID_SHARE)?,
    };
    let text = if arguments.line { line_text(arguments, &frame)? } else { inspector_text(arguments, &frame)? };
    print(text)?;
    Ok(Exit::Done)
}

fn run_sweep(arguments: &Arguments, folder: &Path) -> Result<Exit> {
    let engine = arguments.engine.read()?.metadata;
    let bar = frames_bar(Axis::ALL.iter().map(|axis| axis.values().len()).sum(), "sweep");
    let arithmetic = arguments.evaluation.arithmetic();
    let points = sweep::sweep(&engine, arithmetic, arguments.frames, || bar.inc(1))?;
    bar.finish_and_clear();
    sweep::write(folder, &points)?;
    log::info!("wrote plots and sweep.json to {}", folder.display());
    Ok(Exit::Done)
}

fn line_text(arguments: &Arguments, frame: &RgbdFrame) -> Result<String> {
    let engine = arguments.engine.path().context("--line needs --engine: the file of an engine with mappings")?;
    let report = line::run(engine, frame, Duration::from_secs(arguments.seconds), arguments.rate)?;
    Ok(if arguments.json { serde_json::to_string(&report)? } else { line_to_text(&report) })
}

fn inspector_text(arguments: &Arguments, frame: &RgbdFrame) -> Result<String> {
    let mut engine = arguments.engine.read()?;
    engine.prepare_as(arguments.scene.apply(&engine.metadata.preparation)?)?;
    if !engine.is_fitted() {
        log::info!("the engine has no mappings yet: random ones are used, which take the same time");
        if let Some(score) = arguments.score {
            engine.set_score(score);
        }
        engine = bench::with_mappings(engine);
    }
    if let Some(asked) = arguments.score.filter(|asked| *asked != engine.metadata.architecture.score) {
        let own = engine.metadata.architecture.score.name();
        anyhow::bail!("the mappings of the engine were learnt for the score {own}, not for {}", asked.name());
    }
    engine.metadata.preparation = arguments.evaluation.apply(&engine.metadata.preparation);
    let (architecture, stride) = (engine.metadata.architecture.clone(), engine.metadata.preparation.stride);
    let arithmetic = arguments.evaluation.arithmetic();
    let backend = arguments.evaluation.backend();
    let mut inspector = Inspector::on_machine(backend, engine, arithmetic)?;
    let subject = Subject { backend, architecture: &architecture, stride, arithmetic, frame };
    let report = bench::run(&mut inspector, &subject, arguments.frames, arguments.streaming)?;
    Ok(if arguments.json { serde_json::to_string(&report)? } else { to_text(&report) })
}

fn to_text(report: &Report) -> String {
    let latency = &report.latency_ms;
    let mut text = format!(
        "{:.2} frames/s{} on {}, {} threads, {} ({}), stride {}; {} valid pixels\nlatency min {:.1}, median {:.1}, p95 {:.1}, p99 {:.1}, max {:.1} ms over {} frames",
        report.frames_per_second,
        if report.streaming { " sustained" } else { "" },
        report.backend,
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
    text += "\nsearch by itself               threads median ms\n";
    for search in &report.searches {
        text += &format!("{:<30} {:>7} {:>9.2}\n", search.name, search.threads, search.median_ms);
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
    if let Some(gpu) = &report.gpu {
        text += &gpu_to_text(gpu, &report.capture_to_score_ms);
    }
    text
}

fn gpu_to_text(gpu: &Gpu, to_score_ms: &Spread) -> String {
    let Gpu { name, driver, capability, multiprocessors, clock_mhz, memory, host_preparation_ms, frame_ms, stages } =
        gpu;
    let mut text = format!(
        "\n\n{name}, compute capability {capability}, {multiprocessors} multiprocessors at up to {clock_mhz:.0} MHz, driver for CUDA {driver}\n"
    );
    let times = |Spread { median, p95, p99, max, .. }: &Spread| {
        format!("median {median:.3}, p95 {p95:.3}, p99 {p99:.3}, max {max:.3} ms\n")
    };
    text += &format!("from the frame to its score    {}", times(to_score_ms));
    text += &format!("preparation, the CPU's part    {}", times(host_preparation_ms));
    if let Some(frame_ms) = frame_ms {
        text += &format!("networks to maps, on the GPU   {}", times(frame_ms));
    }
    text += "\nstage on the GPU                     stream  median ms    max ms\n";
    for stage in stages {
        text += &format!("{:<36} {:<7} {:>9.3} {:>9.3}\n", stage.name, stage.stream, stage.median_ms, stage.max_ms);
    }
    let Memory { weights_mb, activations_mb, used_mb, total_mb } = memory;
    let activations = activations_mb.map_or("not counted".into(), |mb| format!("{mb:.1} MB"));
    text + &format!(
        "\nmemory of the GPU: weights {weights_mb:.1} MB, activations {activations}; {used_mb:.0} of {total_mb:.0} MB are used"
    )
}

fn registration_to_text(report: &registration::Report) -> String {
    let registration::Report { backend, frames, depth, colour, points, latency_ms, processor_ms } = report;
    let Spread { min, median, p95, p99, max } = latency_ms;
    let text = format!(
        "depth {} x {} to colour {} x {} on {backend}{}: {points} points\nmin {min:.2}, median {median:.2}, p95 {p95:.2}, p99 {p99:.2}, max {max:.2} ms over {frames} images",
        depth.0,
        depth.1,
        colour.0,
        colour.1,
        if *backend == "cpu" { ", one thread" } else { ", with the copies" }
    );
    text + &processor_ms.map_or(String::new(), |ms| format!("; {ms:.2} ms of processor time an image"))
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
