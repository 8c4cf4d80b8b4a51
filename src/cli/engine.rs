use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use clap::{Args, Subcommand};
use crosscheck::backend::plans::{self, Facts, Library, Request, SCORE_BOUND, Target, Verdict};
use crosscheck::backend::{self, Choice};
use crosscheck::dataset::{Entry, frames_under};
use crosscheck::frame::RgbdFrame;
use crosscheck::inspect::Inspector;
use crosscheck::model::engine_file::{Engine, Storage};

use super::Exit;
use super::examples;
use super::interrupt::stop_on_interrupt;
use super::options::{ReadingOptions, one_of};
use super::progress::PlanBar;
use super::say::print;

/// Build TensorRT plans for an engine's networks, and check their scores against the CPU's.
#[derive(Args)]
#[command(after_long_help = examples::ENGINE)]
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
    /// within 2 % of the CPU's score and are not slower than the program's own kernels; without this option they are not
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
        let frames = entries.as_deref().filter(|_| target == Target::This);
        let verdict = plans::until_right(|precision| {
            let request = asked(&engine, target, build.library, precision, build.cache.as_deref());
            let mut bar = PlanBar::default();
            let facts = backend::build_plans(&request, &mut |step| {
                bar.show(&step);
                !stop.load(Ordering::Relaxed)
            })?;
            bar.finish();
            facts.iter().try_for_each(show)?;
            frames.map(|entries| check(&engine, &request, entries)).transpose()
        })?;
        ensure!(
            verdict.is_none_or(|verdict| verdict.is_right()),
            "neither the scores by plans in halves nor those by plans in f32 are the CPU's; no plans are taken into use"
        );
        if verdict.is_none() && target == Target::This {
            log::warn!("the plans are not in use before they are checked: give good parts with --frames");
        }
    }
    Ok(Exit::Done)
}

fn asked<'a>(
    engine: &'a Engine,
    target: Target,
    library: Library,
    precision: Storage,
    cache: Option<&'a Path>,
) -> Request<'a> {
    let Engine { metadata, weights, .. } = engine;
    Request { architecture: &metadata.architecture, weights, target, library, precision, cache }
}

fn show(facts: &Facts) -> Result<()> {
    let Facts { graph, library, target, precision, bytes, build_s, folder } = facts;
    let time = build_s.map_or("was there".into(), |build_s| format!("built in {build_s:.1} s"));
    let text = format!(
        "{graph:<16} {target:<8} {library}, {}: {bytes} bytes, {time}, in {}",
        precision.name(),
        folder.display()
    );
    print(text)
}

/// Compares plans and kernels with the CPU on stored frames, up to the first one whose score by the plans is not the
/// CPU's, and stores the verdict, which decides which of them are used.
fn check(engine: &Engine, request: &Request<'_>, entries: &[Entry]) -> Result<Verdict> {
    let mut on_cpu = Inspector::on_machine(Choice::Cpu, engine.clone(), Default::default())?;
    let on_gpu = |backend| Timed::new(Inspector::from_backend(backend, engine.metadata.clone()));
    let evaluation = on_cpu.evaluation();
    let mut plans = on_gpu(backend::open_unchecked(request, evaluation)?);
    let mut kernels = on_gpu(backend::open_kernels(request, evaluation)?);
    let mut frames = 0;
    for entry in entries {
        let (frame, name) = (entry.frame()?, || entry.rgb.display().to_string());
        let want = on_cpu.inspect(&frame).with_context(name)?.outcome.scores().map(|scores| scores.score);
        let [by_plans, by_kernels] = [&mut plans, &mut kernels].map(|timed| timed.inspect(&frame, want));
        let Some(difference) = by_plans.with_context(name)? else { continue };
        by_kernels.with_context(name)?;
        frames += 1;
        // A NaN is not within the bound.
        let near = difference <= SCORE_BOUND;
        if !near {
            log::warn!(
                "{}: the score by the plans in {} is {difference:.1e} from the CPU's where {SCORE_BOUND} is allowed",
                name(),
                request.precision.name()
            );
            break;
        }
    }
    ensure!(frames > 0, "none of the frames could be scored: give good parts with --frames");
    let right = kernels.difference <= SCORE_BOUND;
    let verdict = Verdict {
        frames,
        score_difference: plans.difference,
        plans_s: plans.median_s(),
        kernels_s: right.then(|| kernels.median_s()),
    };
    backend::keep_verdict(request, &verdict)?;
    let outcome = match (verdict.is_right(), verdict.is_for_plans()) {
        (false, _) => "the plans are wrong, and are not in use",
        (true, false) => "the kernels are faster, and stay in use",
        (true, true) => "the plans are in use",
    };
    log::info!(
        "{outcome}, products in {}: {frames} frames get the CPU's scores within {:.1e} in {:.2} ms by the plans, within {:.1e} in {:.2} ms by the kernels",
        request.precision.name(),
        plans.difference,
        1e3 * plans.median_s(),
        kernels.difference,
        1e3 * kernels.median_s()
    );
    Ok(verdict)
}

/// An inspector, the time of each frame that it scored, and how far its scores were from the CPU's.
struct Timed {
    inspector: Inspector,
    seconds: Vec<f64>,
    /// The largest; NaN if one is.
    difference: f64,
}

impl Timed {
    fn new(inspector: Inspector) -> Self {
        Self { inspector, seconds: Vec::new(), difference: 0.0 }
    }

    /// The difference of a frame's score from `want`; none if either has no score.
    fn inspect(&mut self, frame: &RgbdFrame, want: Option<f32>) -> Result<Option<f64>> {
        let start = Instant::now();
        let got = self.inspector.inspect(frame)?.outcome.scores().map(|scores| scores.score);
        let seconds = start.elapsed().as_secs_f64();
        let (Some(got), Some(want)) = (got, want) else { return Ok(None) };
        let difference = plans::difference(got, want);
        self.seconds.push(seconds);
        if difference > self.difference || difference.is_nan() {
            self.difference = difference;
        }
        Ok(Some(difference))
    }

    fn median_s(&self) -> f64 {
        let mut seconds = self.seconds.clone();
        seconds.sort_by(f64::total_cmp);
        seconds.get(seconds.len() / 2).copied().unwrap_or(f64::INFINITY)
    }
}
