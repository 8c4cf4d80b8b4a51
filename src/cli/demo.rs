use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::mpsc::sync_channel;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use clap::Args;
use crosscheck::bench;
use crosscheck::conformal::{Calibration, calibrate};
use crosscheck::evaluate::html::Album;
use crosscheck::evaluate::plots;
use crosscheck::evaluate::report::{ClassFigures, EngineFacts, EvaluationReport, FORMAT, Figures, FrameRow, Speed};
use crosscheck::evaluate::tables::CLASSES;
use crosscheck::evaluate::tested::Tested;
use crosscheck::fit::{Fit, FitSettings};
use crosscheck::inspect::{Inspection, Inspector};
use crosscheck::model::engine_file::Engine;
use crosscheck::overlay::{self, Overlay};
use crosscheck::scene::{Defect, Part, Sample, Scene};
use crosscheck::score::Verdict;
use image::RgbImage;

use super::Exit;
use super::desktop;
use super::examples;
use super::options::part;
use super::progress::{EpochBar, frames_bar};
use super::report_files::{self, PAGE, write_report};
use super::say::print;

/// Number of good parts that the demo learns from.
const SHOTS: u64 = 16;
/// Number of good parts for the threshold: the fewest that the false-reject rate allows.
const VALIDATION: u64 = 99;
const FALSE_REJECT_RATE: f64 = 0.01;
/// Numbers of the first validation part and of the first inspected part.
const VALIDATION_START: u64 = 1_000;
const STREAM_START: u64 = 2_000;
/// Number of frames that may wait while one is inspected.
const QUEUE: usize = 1;
/// Number of pictures that the report's page has of each kind and verdict.
const PICTURED: usize = 2;

/// Learn a synthetic part from 16 good examples, calibrate a threshold, and inspect a stream of good and defective
/// parts.
#[derive(Args)]
#[command(after_long_help = examples::DEMO)]
pub struct Arguments {
    /// Part to learn and inspect
    #[arg(long, value_name = "KIND", default_value = "biscuit", value_parser = part)]
    part: Part,
    /// Seed of the station, the parts and their defects
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Parts to inspect
    #[arg(long, default_value_t = 60)]
    frames: u64,
    /// Folder for the overlays and the report
    #[arg(long, value_name = "DIR", default_value = "crosscheck-demo")]
    out: PathBuf,
    /// Open the report, report.html, in the desktop's browser
    #[arg(long)]
    open: bool,
}

pub fn run(arguments: &Arguments) -> Result<Exit> {
    let out = arguments.out.as_path();
    std::fs::create_dir_all(out).with_context(|| format!("cannot make the folder {}", out.display()))?;
    let scene = Scene::new(arguments.part, arguments.seed);
    let engine = Engine::built_in()?;
    let variant = engine.metadata.variant;
    let settings = FitSettings::of(variant);
    say(&format!("learning the part \"{}\" from {SHOTS} good ones", arguments.part.name()))?;
    let start = Instant::now();
    let mut engine = learn(&scene, engine, settings)?;
    let fit = (engine.metadata.fitted_on.len(), start.elapsed());
    let calibration = find_threshold(&scene, &engine)?;
    engine.metadata.calibration = Some(calibration);
    let path = out.join("engine.safetensors");
    engine.content_sha256 = engine.write(&path)?;
    say(&format!(
        "learnt in {:.1} s; reject above {:.4}, which lets {:.1} % of good parts be rejected ({VALIDATION} more good parts)",
        fit.1.as_secs_f64(),
        calibration.threshold,
        100.0 * calibration.guaranteed_rate
    ))?;
    let content_sha256 = engine.content_sha256.clone();
    let mut stream = Stream::run(&scene, engine, arguments, out)?;
    let figures = ClassFigures::from_tested(&stream.tested, Some(calibration), Some(fit));
    let report = EvaluationReport {
        format: FORMAT,
        engine: EngineFacts { variant: variant.name().into(), content_sha256, fit: Some(settings) },
        dataset: format!("synthetic, seed {}", arguments.seed),
        speed: Speed {
            frames_per_second: stream.tested.len() as f64 / stream.spent.as_secs_f64(),
            peak_memory_mb: bench::peak_memory_mb(),
        },
        figures: Figures::from_classes(BTreeMap::from([(arguments.part.name().to_string(), figures)])),
        frames: stream.tested.iter().map(|tested| FrameRow::new(arguments.part.name(), tested)).collect(),
        shots: BTreeMap::new(),
    };
    stream.draw_scores(&out.join("scores.svg"), arguments.part, calibration.threshold)?;
    // Written last: if it is there, the other files are too.
    write_report(out, &report, &report.blocks(), &stream.album)?;
    say(&format!(
        "\n{}\n{:.1} frames/s; overlays, report.html, report.md and the engine are in {}",
        stream.confusion(),
        report.speed.frames_per_second,
        out.display()
    ))?;
    if arguments.open {
        desktop::open(&out.join(PAGE))?;
    }
    Ok(Exit::Done)
}

fn say(text: &str) -> Result<()> {
    print(text)
}

fn learn(scene: &Scene, engine: Engine, settings: FitSettings) -> Result<Engine> {
    let mut fit = Fit::new(engine, settings, std::env::temp_dir())?;
    for index in 0..SHOTS {
        fit.add(&scene.nominal(index).frame)?;
    }
    let mut bar = EpochBar::default();
    let fitted = fit.run(None, &mut |progress| {
        bar.show(progress);
        ControlFlow::Continue(())
    })?;
    bar.finish();
    Ok(fitted)
}

fn find_threshold(scene: &Scene, engine: &Engine) -> Result<Calibration> {
    let mut inspector = Inspector::new(engine.clone())?;
    let bar = frames_bar(VALIDATION as usize, "calibrate");
    let mut scores = Vec::new();
    for index in VALIDATION_START..VALIDATION_START + VALIDATION {
        scores.push(inspector.inspect(&scene.nominal(index).frame)?.ranked_score());
        bar.inc(1);
    }
    bar.finish_and_clear();
    Ok(calibrate(&scores, FALSE_REJECT_RATE, None)?)
}

/// The inspected parts, and the time that their inspection took.
#[derive(Default)]
struct Stream {
    tested: Vec<Tested>,
    spent: Duration,
    /// The pictures of the report's page: the first ones of each kind and verdict.
    album: Album,
    pictured: BTreeMap<[&'static str; 2], usize>,
}

impl Stream {
    /// Inspects frames while another thread renders the next ones, as a camera would capture them.
    fn run(scene: &Scene, engine: Engine, arguments: &Arguments, out: &Path) -> Result<Self> {
        let threshold = engine.metadata.calibration.map(|c| c.threshold);
        let mut inspector = Inspector::new(engine)?;
        let defects = mixed(arguments.frames, arguments.seed);
        let (sender, receiver) = sync_channel(QUEUE);
        std::thread::scope(|scope| {
            scope.spawn(move || {
                for (index, defect) in (STREAM_START..).zip(defects) {
                    let sample = defect.map_or_else(|| scene.nominal(index), |defect| scene.defective(index, defect));
                    if sender.send(sample).is_err() {
                        return;
                    }
                }
            });
            let mut stream = Self::default();
            for sample in receiver {
                let number = stream.tested.len() + 1;
                let inspection = inspector.inspect(&sample.frame)?;
                say(&line(number, &sample, &inspection))?;
                let path = out.join(format!("{number:02}_{}_{}.png", kind(sample.defect), verdict(&inspection)));
                let picture = overlay::overlay(&Overlay::from_inspection(&sample.frame, &inspection, threshold));
                overlay::write(&path, &picture).with_context(|| format!("cannot write {}", path.display()))?;
                stream.show(number, &sample, &inspection, &picture)?;
                stream.add(sample, inspection);
            }
            Ok(stream)
        })
    }

    /// Adds the picture of a part to the report's page, which has some of each kind and verdict.
    fn show(&mut self, number: usize, sample: &Sample, inspection: &Inspection, picture: &RgbImage) -> Result<()> {
        let [kind, verdict] = [kind(sample.defect), verdict(inspection)];
        let shown = self.pictured.entry([kind, verdict]).or_default();
        *shown += 1;
        if *shown <= PICTURED {
            self.album.picture(format!("part {number}: {kind}, {verdict}, score {}", score(inspection)), picture)?;
        }
        Ok(())
    }

    fn draw_scores(&mut self, path: &Path, part: Part, threshold: f32) -> Result<()> {
        let tested = &self.tested;
        report_files::plot(&mut self.album, path, CLASSES, "Scores of the inspected parts", || {
            plots::score_histogram(part.name(), tested, Some(threshold))
        })
    }

    fn add(&mut self, sample: Sample, inspection: Inspection) {
        self.spent += inspection.times.total();
        let name = format!("{:02}", self.tested.len() + 1);
        let defect = sample.defect.map(|defect| defect.name().to_string());
        let truth = inspection.input.window.nearest(&sample.ground_truth, sample.frame.width(), false);
        self.tested.push(Tested::new(name, defect, truth, inspection));
    }

    /// A table of passed and rejected parts by kind.
    fn confusion(&self) -> String {
        let mut text = format!("{:18}{:>6}{:>8}\n", "", "pass", "reject");
        for defect in std::iter::once(None).chain(Defect::ALL.map(Some)) {
            let of_kind = || self.tested.iter().filter(|t| t.defect.as_deref() == defect.map(Defect::name));
            let passed = of_kind().filter(|t| t.verdict() == Some(Verdict::Pass)).count();
            text += &format!("{:18}{passed:>6}{:>8}\n", kind(defect), of_kind().count() - passed);
        }
        text
    }
}

/// Equally many good and defective parts, and equally many of each kind of defect, in random order.
fn mixed(frames: u64, seed: u64) -> Vec<Option<Defect>> {
    let defects = Defect::ALL.into_iter().cycle().map(Some);
    let mut all: Vec<Option<Defect>> =
        (0..frames).zip(defects).map(|(i, d)| if i % 2 == 0 { d } else { None }).collect();
    fastrand::Rng::with_seed(seed).shuffle(&mut all);
    all
}

fn kind(defect: Option<Defect>) -> &'static str {
    defect.map_or("good", Defect::name)
}

fn verdict(inspection: &Inspection) -> &'static str {
    if inspection.outcome.passes() { "pass" } else { "reject" }
}

fn score(inspection: &Inspection) -> String {
    inspection.outcome.score().map_or("none".into(), |score| format!("{score:.4}"))
}

fn line(number: usize, sample: &Sample, inspection: &Inspection) -> String {
    let judged = match (sample.defect, verdict(inspection)) {
        (None, "reject") => "  <- false reject",
        (Some(_), "pass") => "  <- missed",
        _ => "",
    };
    format!(
        "part {number:>3}  {:16}  score {:>7}  {:6}  {:5.0} ms{judged}",
        kind(sample.defect),
        score(inspection),
        verdict(inspection),
        1e3 * inspection.times.total().as_secs_f64()
    )
}
