use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Args;
use crosscheck::dataset::Layout;
use crosscheck::evaluate::compare::compare;
use crosscheck::evaluate::document::markdown;
use crosscheck::evaluate::html::Album;
use crosscheck::evaluate::metrics::pro_curve;
use crosscheck::evaluate::protocol::{ClassRun, Dataset, Protocol, run_class};
use crosscheck::evaluate::report::{ClassFigures, EngineFacts, EvaluationReport, FORMAT, Figures, FrameRow, Speed};
use crosscheck::evaluate::tables::{CLASSES, GOOD_FRAMES, SIZES};
use crosscheck::evaluate::{gallery, plots};
use crosscheck::files::{self, NewFolder};
use crosscheck::inspect::Tally;
use crosscheck::model::engine_file::Engine;
use crosscheck::{bench, overlay};
use indicatif::ProgressBar;

use super::Exit;
use super::examples;
use super::options::{EngineOption, EvaluationOptions, FitOptions, ReadingOptions, SceneOption, one_of};
use super::progress::bar;
use super::report_files::{self, REPORT, read_report, write_report};
use super::say::print;

/// Captions of the plots of all classes.
const OVERLAP: &str = "Overlap with the defective regions against the false-positive rate, by class";
const MISSES: &str = "Missed defects by their size, all classes";
const THRESHOLDS: &str = "False rejects and misses by the number of good frames that calibrate the threshold";

/// Measure how well an engine detects defects on a dataset; an engine without mappings is first fitted and calibrated
/// on each class.
#[derive(Args)]
#[command(after_long_help = examples::EVALUATE)]
pub struct Arguments {
    #[command(flatten)]
    engine: EngineOption,
    /// Folder of the dataset, with a folder for each class
    #[arg(long, value_name = "DIR")]
    dataset: PathBuf,
    #[command(flatten)]
    reading: ReadingOptions,
    #[command(flatten)]
    scene: SceneOption,
    /// Layout of the dataset; detected if left out
    #[arg(long, value_parser = one_of::<Layout>(Layout::WORDS))]
    layout: Option<Layout>,
    /// Classes to evaluate, separated by commas; all if left out
    #[arg(long, value_delimiter = ',')]
    classes: Vec<String>,
    /// Learn from this many frames of each class, drawn at random; several numbers, separated by commas, give a
    /// few-shot table
    #[arg(long, value_delimiter = ',')]
    shots: Vec<usize>,
    #[command(flatten)]
    fit: FitOptions,
    /// False-reject rate for which the threshold is calibrated on each class's validation split
    #[arg(long, value_name = "RATE", default_value_t = 0.01)]
    false_reject_rate: f64,
    #[command(flatten)]
    evaluation: EvaluationOptions,
    /// Folder for report.html, report.md, report.json, the plots and the galleries
    #[arg(long, value_name = "DIR")]
    report: Option<PathBuf>,
    /// report.json of another evaluation of the same dataset, such as one with another score: tells how the wrong verdicts
    /// changed, frame by frame
    #[arg(long, value_name = "FILE")]
    compare: Option<PathBuf>,
}

pub fn run(arguments: &Arguments) -> Result<Exit> {
    let other = arguments.compare.as_deref().map(read_report).transpose()?;
    let mut engine = arguments.engine.read()?;
    let scene = arguments.scene.apply(&engine.metadata.preparation)?;
    engine.prepare_as(arguments.evaluation.apply(&scene))?;
    let backend = arguments.evaluation.backend();
    let arithmetic = arguments.evaluation.arithmetic();
    let root = arguments.dataset.as_path();
    let reading = arguments.reading.read()?;
    let layout = match arguments.layout {
        Some(layout) => layout,
        None => Layout::detect(root)?,
    };
    let classes = if arguments.classes.is_empty() { layout.classes(root)? } else { arguments.classes.clone() };
    anyhow::ensure!(!arguments.shots.contains(&0), "--shots needs at least 1 frame");
    if engine.is_fitted() && !arguments.shots.is_empty() {
        anyhow::bail!("the engine is fitted already: --shots needs an engine without mappings");
    }
    let settings = arguments.fit.settings(engine.metadata.variant);
    let accepts_left_out = arguments.fit.accepts_left_out();
    let rounds: Vec<Option<usize>> =
        if arguments.shots.is_empty() { vec![None] } else { arguments.shots.iter().map(|n| Some(*n)).collect() };
    let mut evaluation = Evaluation::new(arguments.report.as_deref())?;
    let mut figures = Vec::new();
    for (i, shots) in rounds.iter().enumerate() {
        let false_reject_rate = arguments.false_reject_rate;
        let protocol = Protocol { shots: *shots, settings, accepts_left_out, false_reject_rate, backend, arithmetic };
        // Plots and galleries show the last round, which also gives the report's main figures.
        evaluation.draws = i + 1 == rounds.len();
        let dataset = Dataset { root, layout, reading: reading.clone() };
        figures.push((*shots, evaluation.round(&engine, &dataset, &classes, &protocol)?));
    }
    let Some((_, main)) = figures.last().cloned() else { unreachable!("there is at least one round") };
    let report = EvaluationReport {
        format: FORMAT,
        engine: EngineFacts {
            variant: engine.metadata.variant.name().into(),
            content_sha256: engine.content_sha256.clone(),
            fit: (!engine.is_fitted()).then_some(settings),
        },
        dataset: root.file_name().unwrap_or(root.as_os_str()).to_string_lossy().into_owned(),
        speed: evaluation.speed(),
        figures: main,
        frames: std::mem::take(&mut evaluation.frames),
        shots: figures.into_iter().filter_map(|(shots, figures)| Some((shots?, figures))).collect(),
    };
    evaluation.tallies.iter().for_each(|(name, tally)| tally.say(name));
    let mut blocks = report.blocks();
    let compared = other.as_ref().zip(arguments.compare.as_ref()).map(|(other, path)| {
        let comparison = compare(&other.frames, &report.frames);
        let comparison = comparison.with_context(|| format!("cannot compare with {}", path.display()))?;
        blocks.extend(comparison.blocks(&path.display().to_string()));
        anyhow::Ok(())
    });
    if let (Some(folder), Some(new)) = (&arguments.report, evaluation.report) {
        write_report(new.path(), &report, &blocks, &evaluation.album)?;
        new.move_into(folder, REPORT).with_context(|| format!("cannot write into {}", folder.display()))?;
        log::info!("wrote the report to {}", folder.display());
    }
    print(markdown(&blocks))?;
    // Only now: what took hours to evaluate is kept, whatever it cannot be compared with.
    compared.transpose()?;
    Ok(Exit::Done)
}

/// The evaluation of all classes in each round, and the files and tallies that it collects.
struct Evaluation {
    /// A temporary folder, which is moved to the report's place at the end.
    report: Option<NewFolder>,
    draws: bool,
    /// The pictures and plots of the report's page.
    album: Album,
    latencies: Vec<Duration>,
    /// The test frames of the round that is drawn.
    frames: Vec<FrameRow>,
    /// Frames used and left out, by class and step.
    tallies: Vec<(String, Tally)>,
    bar: ProgressBar,
}

impl Evaluation {
    /// Makes the folder first, so that a report that cannot be written fails before hours are spent.
    fn new(report: Option<&Path>) -> Result<Self> {
        let beside = |folder: &Path| {
            files::make_folder(folder).with_context(|| format!("cannot make the folder {}", folder.display()))?;
            NewFolder::beside(&folder.join(REPORT)).with_context(|| format!("cannot write into {}", folder.display()))
        };
        let report = report.map(beside).transpose()?;
        let bar = bar("{prefix} {msg} {bar:30} {pos}/{len}");
        let album = Album::default();
        Ok(Self { report, draws: false, album, latencies: Vec::new(), frames: Vec::new(), tallies: Vec::new(), bar })
    }

    fn round(
        &mut self,
        engine: &Engine,
        dataset: &Dataset,
        classes: &[String],
        protocol: &Protocol,
    ) -> Result<Figures> {
        let mut figures = BTreeMap::new();
        let mut curves = Vec::new();
        for class in classes {
            self.bar.set_prefix(class.clone());
            let run = run_class(engine, dataset, class, protocol, &mut |step, done, of| {
                self.bar.set_message(step.to_string());
                self.bar.set_length(of as u64);
                self.bar.set_position(done as u64);
            })?;
            self.latencies.push(run.latency);
            let of_class = |(step, tally): &(&str, Tally)| (format!("{class}, {step}"), tally.clone());
            self.tallies.extend(run.tallies.iter().map(of_class));
            if self.draws {
                self.draw_class(class, &run)?;
                curves.extend(pro_curve(&run.tested).map(|curve| (class.clone(), curve)));
                self.frames.extend(run.tested.iter().map(|tested| FrameRow::new(class, tested)));
            }
            let found = ClassFigures::from_tested(&run.tested, run.calibration, run.fit);
            let cell = |figure: Option<f64>| figure.map_or("-".into(), |v| format!("{v:.3}"));
            self.bar.suspend(|| {
                log::info!(
                    "{class}: I-AUROC {}, P-AUROC {}, AUPRO@30 % {}, miss rate at 1 % false rejects {}",
                    cell(found.all.image_auroc),
                    cell(found.all.pixel_auroc),
                    cell(found.all.aupro_30),
                    cell(found.all.line.miss_rate_at_01)
                );
            });
            figures.insert(class.clone(), found);
        }
        self.bar.finish_and_clear();
        let figures = Figures::from_classes(figures);
        if self.draws {
            let (sizes, good) = (&figures.sizes, &figures.good_frames);
            self.plot("pro_curves.svg", CLASSES, OVERLAP, || plots::pro_curves(&curves).map(Some))?;
            self.plot("misses_by_size.svg", SIZES, MISSES, || plots::misses_by_size(sizes))?;
            self.plot("good_frames.svg", GOOD_FRAMES, THRESHOLDS, || plots::good_frames(good))?;
        }
        Ok(figures)
    }

    fn draw_class(&mut self, class: &str, run: &ClassRun) -> Result<()> {
        let threshold = run.calibration.map(|c| c.threshold);
        let caption = format!("Scores of the test frames of {class}");
        self.plot(&format!("scores_{class}.svg"), CLASSES, &caption, || {
            plots::score_histogram(class, &run.tested, threshold)
        })?;
        let Some(folder) = self.report.as_ref().map(NewFolder::path) else { return Ok(()) };
        if let Some(picture) = gallery::picture(run)? {
            let caption = format!(
                "{class}: the defective frames that passed, or came nearest to passing; the defect is outlined on the left, and the anomaly map is on the right"
            );
            self.album.picture(caption, &picture)?;
            let path = folder.join(format!("misses_{class}.png"));
            overlay::write(&path, &picture).with_context(|| format!("cannot write {}", path.display()))?;
        }
        Ok(())
    }

    /// Draws a plot of the report, and adds it to a section of the report's page.
    fn plot(
        &mut self,
        name: &str,
        section: &'static str,
        caption: &str,
        paint: impl FnOnce() -> io::Result<Option<String>>,
    ) -> Result<()> {
        let Some(folder) = self.report.as_ref().map(NewFolder::path) else { return Ok(()) };
        report_files::plot(&mut self.album, &folder.join(name), section, caption, paint)
    }

    fn speed(&self) -> Speed {
        let mean = self.latencies.iter().sum::<Duration>() / self.latencies.len().max(1) as u32;
        Speed { frames_per_second: 1.0 / mean.as_secs_f64(), peak_memory_mb: bench::peak_memory_mb() }
    }
}
