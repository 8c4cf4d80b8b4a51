use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use anyhow::{Context, Result, bail, ensure};
use clap::{Args, Subcommand};
use crosscheck::backend::plans::{self, Facts, Library, Request, SCORE_BOUND, Target};
use crosscheck::backend::{self, Choice};
use crosscheck::dataset::{Entry, frames_under};
use crosscheck::inspect::Inspector;
use crosscheck::model::engine_file::Engine;

use super::Exit;
use super::interrupt::stop_on_interrupt;
use super::options::{ReadingOptions, one_of};
use super::progress::PlanBar;
use super::say::print;

/// Build TensorRT plans for an engine's networks, and check their scores against the CPU's.
#[derive(Args)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Build the plans that are missing from the cache or stale
    Build(Build),
}

#[derive(Args)]
struct Build {
    /// Fitted engine file
    #[arg(long)]
    engine: PathBuf,
    /// GPU to build for: this machine's, or a compute capability (sm86, sm89, sm120; needs TensorRT-RTX); repeatable
    #[arg(long, value_name = "this|smNN", value_delimiter = ',', default_value = "this")]
    target: Vec<Target>,
    /// Library that builds the plans
    #[arg(long, default_value = "auto", value_parser = one_of::<Library>(Library::WORDS))]
    library: Library,
    /// Folder in which plans are stored; CACHE_DIRECTORY or ~/.cache/crosscheck if left out
    #[arg(long, value_name = "DIR")]
    cache: Option<PathBuf>,
    /// Folder with rgb and xyz inside: the plans for this machine are taken into use if they score each of these frames
    /// within 2 % of the CPU's score; without this option they are not
    #[arg(long, value_name = "DIR")]
    frames: Option<PathBuf>,
    #[command(flatten)]
    reading: ReadingOptions,
}

pub fn run(arguments: &Arguments) -> Result<Exit> {
    let Command::Build(build) = &arguments.command;
    let engine = Engine::read(&build.engine)?;
    ensure!(
        engine.is_fitted(),
        "{} has no mappings yet, of which the plans contain parts: give --engine an engine that `crosscheck fit` wrote",
        build.engine.display()
    );
    let reading = build.reading.read()?;
    let entries = build.frames.as_deref().map(|folder| frames_under(folder, &reading)).transpose()?;
    ensure!(
        entries.is_none() || build.target.contains(&Target::This),
        "--frames are inspected on this machine's GPU: give --target this with them"
    );
    let stop = stop_on_interrupt()?;
    for &target in &build.target {
        let request = asked(&engine, target, build.library, build.cache.as_deref());
        let mut bar = PlanBar::default();
        let facts = backend::build_plans(&request, &mut |step| {
            bar.show(&step);
            !stop.load(Ordering::Relaxed)
        })?;
        bar.finish();
        facts.iter().try_for_each(show)?;
        match &entries {
            Some(entries) if target == Target::This => check(&engine, &request, entries)?,
            _ if target == Target::This => {
                log::warn!("the plans are not in use before they are checked: give good parts with --frames")
            }
            _ => {}
        }
    }
    Ok(Exit::Done)
}

fn asked<'a>(engine: &'a Engine, target: Target, library: Library, cache: Option<&'a Path>) -> Request<'a> {
    let Engine { metadata, weights, .. } = engine;
    Request { architecture: &metadata.architecture, weights, target, library, cache }
}

fn show(facts: &Facts) -> Result<()> {
    let Facts { graph, library, target, bytes, build_s, folder } = facts;
    let time = build_s.map_or("was there".into(), |build_s| format!("built in {build_s:.1} s"));
    let text = format!("{graph:<16} {target:<8} {library}: {bytes} bytes, {time}, in {}", folder.display());
    print(text)
}

/// Takes the plans into use if the GPU's score of every frame is within the bound of the CPU's.
fn check(engine: &Engine, request: &Request<'_>, entries: &[Entry]) -> Result<()> {
    let mut on_cpu = Inspector::on_machine(Choice::Cpu, engine.clone(), Default::default())?;
    let mut on_gpu = Inspector::from_backend(backend::open_unchecked(request)?, engine.metadata.clone());
    let (mut frames, mut largest) = (0, 0.0_f64);
    for entry in entries {
        let frame = entry.frame()?;
        let name = || entry.rgb.display().to_string();
        let [want, got] = [&mut on_cpu, &mut on_gpu].map(|inspector| inspector.inspect(&frame));
        let (Some(want), Some(got)) =
            (want.with_context(name)?.outcome.scores(), got.with_context(name)?.outcome.scores())
        else {
            continue;
        };
        let difference = plans::difference(got.score, want.score);
        // A NaN is not within the bound.
        let near = difference <= SCORE_BOUND;
        if !near {
            bail!(
                "{}: the GPU's score is {}, the CPU's {}, which is {difference:.1e} apart where {SCORE_BOUND} is allowed; the plans are not taken into use",
                entry.rgb.display(),
                got.score,
                want.score
            );
        }
        (frames, largest) = (frames + 1, largest.max(difference));
    }
    ensure!(frames > 0, "none of the frames could be scored: give good parts with --frames");
    backend::take_into_use(request, frames, largest)?;
    log::info!("the plans are in use: {frames} frames get the CPU's scores within {largest:.1e}");
    Ok(())
}
