use anyhow::{Context, Result, anyhow};
use clap::Args;
use crosscheck::backend::count::{Frame, Gpu, Known, Phase, Scene, frame};
use crosscheck::model::{Architecture, Variant};
use crosscheck::prepare::Stride;
use serde_json::{Value, json};

use super::Exit;
use super::examples;
use super::options::{EngineOption, Size, one_of};
use super::say::print;

/// Count what a camera's frame takes on a GPU at least, without one: every launch of its kernels, and the times that
/// follow from the GPU's published figures. docs/gpu.md states the rules.
#[derive(Args)]
#[command(after_long_help = examples::COUNT)]
pub struct Arguments {
    #[command(flatten)]
    engine: EngineOption,
    /// Published networks to count instead of an engine's: tiny, small, medium or full
    #[arg(long, conflicts_with = "engine", value_parser = published)]
    variant: Option<Variant>,
    /// Points in a group of the published networks
    #[arg(long, requires = "variant", default_value_t = 128, value_parser = group_size)]
    group_size: usize,
    /// The GPU
    #[arg(long, default_value = "rtx-4090", value_parser = one_of::<Known>(Known::WORDS))]
    device: Known,
    /// Evaluate every pixel (1), or every second pixel in both directions (2); the engine's own if left out
    #[arg(long, value_parser = one_of::<Stride>(Stride::WORDS))]
    stride: Option<Stride>,
    /// Width and height of the camera's frame
    #[arg(long, value_name = "WxH", default_value = "1280x720", value_parser = camera)]
    camera: Size,
    /// Share of the network frame's pixels that have a point
    #[arg(long, default_value_t = 0.3, value_parser = share)]
    valid: f64,
    /// Print one JSON object instead of text
    #[arg(long)]
    json: bool,
}

fn published(text: &str) -> Result<Variant, String> {
    let found = text.parse().ok().filter(|variant| Variant::PUBLISHED.contains(variant));
    found.ok_or_else(|| format!("expected one of {}", Variant::PUBLISHED.map(Variant::name).join(", ")))
}

fn group_size(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|points| (1..=128).contains(points)).ok_or_else(|| "expected 1 to 128 points".into())
}

fn camera(text: &str) -> Result<Size, String> {
    let size: Size = text.parse()?;
    let is_camera = [size.0, size.1].iter().all(|side| (1..=16_384).contains(side));
    is_camera.then_some(size).ok_or_else(|| "expected sides of 1 to 16384 pixels, such as 1280x720".into())
}

fn share(text: &str) -> Result<f64, String> {
    text.parse().ok().filter(|share| (0.001..=1.0).contains(share)).ok_or_else(|| "expected 0.001 to 1".into())
}

pub fn run(arguments: &Arguments) -> Result<Exit> {
    let (architecture, own_stride) = match arguments.variant {
        Some(variant) => (Architecture::published(variant, arguments.group_size), Stride::One),
        None => {
            let metadata = arguments.engine.read()?.metadata;
            (metadata.architecture, metadata.preparation.stride)
        }
    };
    let stride = arguments.stride.unwrap_or(own_stride);
    let Size(width, height) = arguments.camera;
    let scene = Scene { camera: (width, height), valid_share: arguments.valid, stride };
    let gpu = arguments.device.gpu();
    let counted = frame(&architecture, &scene, gpu.chip.multiprocessors).map_err(|reason| anyhow!(reason));
    let counted = counted.context("the GPU's kernels do not run these networks, so nothing is counted")?;
    print(if arguments.json { to_json(&counted, &scene, &gpu).to_string() } else { to_text(&counted, &scene, &gpu) })?;
    Ok(Exit::Done)
}

/// A kernel's launches in a phase that have the same grid.
struct Row<'a> {
    kernel: &'a str,
    stream: &'static str,
    blocks: [usize; 2],
    threads: usize,
    launches: usize,
    /// The work of all of them.
    gflop: f64,
    instructions: f64,
    megabytes: f64,
    us: f64,
}

fn rows<'a>(phase: &'a Phase, gpu: &Gpu) -> Vec<Row<'a>> {
    let mut rows: Vec<Row<'a>> = Vec::new();
    for (stream, launch) in phase.launches() {
        let key = (launch.kernel, stream.name(), launch.blocks);
        let at = rows.iter().position(|row| (row.kernel, row.stream, row.blocks) == key).unwrap_or_else(|| {
            let (kernel, stream, blocks) = key;
            let (launches, gflop, instructions, megabytes, us) = (0, 0.0, 0.0, 0.0, 0.0);
            let threads = launch.threads;
            rows.push(Row { kernel, stream, blocks, threads, launches, gflop, instructions, megabytes, us });
            rows.len() - 1
        });
        let row = &mut rows[at];
        row.launches += 1;
        row.gflop += launch.work.operations / 1e9;
        row.instructions += launch.work.instructions / 1e6;
        row.megabytes += launch.work.bytes / 1e6;
        row.us += 1e6 * launch.seconds(&gpu.chip);
    }
    rows
}

fn to_text(counted: &Frame, scene: &Scene, gpu: &Gpu) -> String {
    let ms = |seconds: f64| 1e3 * seconds;
    let mut text = format!(
        "counted, not measured: {}; {} x {}, {} points, {} pixels evaluated\n\nphase                      ms  GPU busy, ms\n",
        gpu.name,
        scene.camera.0,
        scene.camera.1,
        scene.points(),
        scene.evaluated()
    );
    for phase in &counted.phases {
        text += &format!("{:<22} {:>6.2} {:>13.2}\n", phase.name, ms(phase.seconds(gpu)), ms(phase.gpu_seconds(gpu)));
    }
    text += &format!(
        "one frame by itself    {:>6.2} {:>13.2}\nframe after frame      {:>6.2}, {:.0} frames/s, each prepared while the one before is inspected\n",
        ms(counted.latency(gpu)),
        ms(counted.gpu_seconds(gpu)),
        ms(counted.interval(gpu)),
        1.0 / counted.interval(gpu)
    );
    text += "\nkernel               stream      grid       launches     GFLOP  M instr.       MB      us\n";
    for row in counted.phases.iter().flat_map(|phase| rows(phase, gpu)) {
        let grid = format!("{} x {}", row.blocks[0], row.blocks[1]);
        text += &format!(
            "{:<20} {:<7} {grid:>12} {:>10} {:>9.2} {:>9.2} {:>8.1} {:>7.0}\n",
            row.kernel, row.stream, row.launches, row.gflop, row.instructions, row.megabytes, row.us
        );
    }
    text.trim_end().into()
}

fn to_json(counted: &Frame, scene: &Scene, gpu: &Gpu) -> Value {
    let ms = |seconds: f64| 1e3 * seconds;
    let of_row = |row: Row<'_>| {
        json!({
            "kernel": row.kernel, "stream": row.stream, "blocks": row.blocks, "threads": row.threads,
            "launches": row.launches, "gflop": row.gflop, "million_instructions": row.instructions,
            "megabytes": row.megabytes, "us": row.us,
        })
    };
    let of_phase = |phase: &Phase| {
        json!({
            "name": phase.name, "prepares": phase.prepares, "ms": ms(phase.seconds(gpu)),
            "gpu_ms": ms(phase.gpu_seconds(gpu)), "kernels": rows(phase, gpu).into_iter().map(of_row).collect::<Vec<_>>(),
        })
    };
    json!({
        "device": gpu.name, "camera": [scene.camera.0, scene.camera.1], "points": scene.points(),
        "evaluated_pixels": scene.evaluated(), "stride": scene.stride.pixels(), "latency_ms": ms(counted.latency(gpu)),
        "interval_ms": ms(counted.interval(gpu)), "gpu_ms": ms(counted.gpu_seconds(gpu)),
        "phases": counted.phases.iter().map(of_phase).collect::<Vec<_>>(),
    })
}
