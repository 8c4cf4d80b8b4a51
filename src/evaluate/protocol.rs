//! The protocol of the paper's section 4 on one class: fit on its train split, calibrate on its validation
//! split, test on its test split. A fitted engine is only tested.

use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::{Duration, Instant};

use thiserror::Error;

use super::tested::Tested;
use crate::backend::Arithmetic;
use crate::backend::Choice;
use crate::conformal::{CalibrateError, Calibration, calibrate, supported_rate};
use crate::dataset::{DatasetError, Entry, Layout, Reading, Split, draw};
use crate::fit::{self, Fit, FitError, FitSettings};
use crate::frame::RgbdFrame;
use crate::inspect::{Doubts, InspectError, Inspection, Inspector, Tally};
use crate::model::engine_file::Engine;
use crate::score::Thresholds;

#[derive(Debug, Error)]
pub enum EvaluateError {
    #[error(transparent)]
    Dataset(#[from] DatasetError),
    #[error("{}: {source}", path.display())]
    Inspect { path: PathBuf, source: InspectError },
    #[error("class {class}: {source}")]
    Fit { class: String, source: FitError },
    #[error("class {class}: {source}")]
    Calibrate { class: String, source: CalibrateError },
    #[error("class {class}: the engine cannot be used: {source}")]
    Engine { class: String, source: InspectError },
}

/// A dataset on disk.
#[derive(Clone, Debug)]
pub struct Dataset<'a> {
    pub root: &'a Path,
    pub layout: Layout,
    pub reading: Reading,
}

impl Dataset<'_> {
    fn entries(&self, class: &str, split: Split) -> Result<Vec<Entry>, DatasetError> {
        self.layout.entries(self.root, class, split, &self.reading)
    }
}

/// What an engine without mappings goes through before it is tested.
#[derive(Clone, Copy, Debug)]
pub struct Protocol {
    /// Frames to learn from, drawn at random; all of the train split without it.
    pub shots: Option<usize>,
    pub settings: FitSettings,
    /// Whether a fit goes on where more than half of its frames are left out.
    pub accepts_left_out: bool,
    /// The rate that the validation split is calibrated to, or the nearest one that it supports.
    pub false_reject_rate: f64,
    /// The machine of fits and inspections.
    pub backend: Choice,
    /// The arithmetic of inspections on the CPU.
    pub arithmetic: Arithmetic,
}

/// One class, tested.
pub struct ClassRun {
    pub tested: Vec<Tested>,
    /// Where each tested frame lies.
    pub entries: Vec<Entry>,
    /// The threshold that verdicts were given by; none when a fitted engine has none.
    pub calibration: Option<Calibration>,
    /// Frames learnt from and how long that took; none for an engine that was fitted already.
    pub fit: Option<(usize, Duration)>,
    /// Mean time of one inspection.
    pub latency: Duration,
    /// What became of the frames of each step.
    pub tallies: Vec<(&'static str, Tally)>,
}

/// What is going on, for a progress display: the step, frames or epochs done, and how many there are.
pub type Observer<'a> = dyn FnMut(&str, usize, usize) + 'a;

/// Fits where needed, and tests.
pub fn run_class(
    engine: &Engine,
    dataset: &Dataset,
    class: &str,
    protocol: &Protocol,
    observe: &mut Observer,
) -> Result<ClassRun, EvaluateError> {
    let mut engine = engine.clone();
    let mut fit = None;
    let mut tallies = Vec::new();
    // Files that cannot be tested are an error before hours are spent.
    let entries = dataset.entries(class, Split::Test)?;
    entries.iter().try_for_each(Entry::check)?;
    if !engine.is_fitted() {
        let start = Instant::now();
        let learnt = dataset.entries(class, Split::Train)?;
        let tally;
        (engine, tally) = fit_class(engine, learnt, class, protocol, observe)?;
        tallies.push(("fit", tally));
        fit = Some((engine.metadata.fitted_on.len(), start.elapsed()));
        let good = dataset.entries(class, Split::Validation)?;
        let (calibration, tally) = calibrate_class(&engine, &good, class, protocol, observe)?;
        engine.metadata.calibration = Some(calibration);
        tallies.push(("calibrate", tally));
    }
    let calibration = engine.metadata.calibration;
    let mut inspector = ready(engine, class, protocol)?;
    let mut tested = Vec::new();
    let mut of_tested = Vec::new();
    let mut spent = Duration::ZERO;
    let mut doubts = Doubts::default();
    let mut tally = Tally::default();
    for (i, entry) in entries.iter().enumerate() {
        observe("test", i, entries.len());
        let frame = entry.frame()?;
        let truth = entry.truth(frame.width(), frame.height())?;
        let inspected = inspect(&mut inspector, entry, &frame)?;
        tally.used(is_warned_of(&inspected));
        for (part, inspection) in inspected.into_iter().enumerate() {
            spent += inspection.1.times.total();
            doubts.add(&inspection.1.input, inspection.1.doubt);
            tested.push(tested_part(entry, part, &truth, frame.width(), inspection));
            of_tested.push(entry.clone());
        }
    }
    doubts.say(class);
    tallies.push(("test", tally));
    let latency = spent / tested.len().max(1) as u32;
    Ok(ClassRun { tested, entries: of_tested, calibration, fit, latency, tallies })
}

/// One of the parts of a frame, by its place among them, as it was tested.
fn tested_part(entry: &Entry, part: usize, truth: &[bool], width: usize, (of, inspection): Inspected) -> Tested {
    let window = inspection.input.window;
    let mut marked = Vec::new();
    // Where there are several parts, each has the defects that are nearest to its middle.
    let is_own = |x: usize, y: usize| of.as_ref().is_none_or(|middles| nearest(middles, x, y) == part);
    window.nearest_into(|x, y| truth[y * width + x] && is_own(x, y), false, &mut marked);
    let (name, defect) = match &of {
        None => (entry.name.clone(), entry.defect.clone()),
        Some(_) => (format!("{}#{part}", entry.name), entry.defect.clone().filter(|_| marked.contains(&true))),
    };
    Tested::new(name, defect, marked, inspection)
}

/// Which of `middles` is nearest to a pixel.
fn nearest(middles: &[[f32; 2]], x: usize, y: usize) -> usize {
    let distance = |[u, v]: &[f32; 2]| (u - x as f32).hypot(v - y as f32);
    let order = |a: &usize, b: &usize| distance(&middles[*a]).total_cmp(&distance(&middles[*b]));
    (0..middles.len()).min_by(order).unwrap_or(0)
}

fn fit_class(
    engine: Engine,
    mut entries: Vec<Entry>,
    class: &str,
    protocol: &Protocol,
    observe: &mut Observer,
) -> Result<(Engine, Tally), EvaluateError> {
    let failed = |source| EvaluateError::Fit { class: class.into(), source };
    entries.retain(|entry| entry.defect.is_none());
    if let Some(shots) = protocol.shots {
        entries = draw(entries, shots, protocol.settings.seed);
    }
    let mut fit = Fit::on_machine(protocol.backend, engine, protocol.settings, std::env::temp_dir()).map_err(failed)?;
    let mut doubts = Doubts::default();
    let mut tally = Tally::default();
    for (i, entry) in entries.iter().enumerate() {
        observe("features", i, entries.len());
        let added = fit.add(&entry.frame()?).map_err(failed)?;
        added.tell(&entry.name, &entry.rgb, &mut tally);
        for part in &added.parts {
            doubts.count(&part.taken, part.doubt);
        }
    }
    doubts.say(&format!("{class}, fit"));
    fit::check_left_out(&tally, protocol.accepts_left_out).map_err(failed)?;
    let fitted = fit.run(None, &mut |progress| {
        observe("fit", progress.epoch, progress.epochs);
        std::ops::ControlFlow::Continue(())
    });
    Ok((fitted.map_err(failed)?, tally))
}

fn calibrate_class(
    engine: &Engine,
    entries: &[Entry],
    class: &str,
    protocol: &Protocol,
    observe: &mut Observer,
) -> Result<(Calibration, Tally), EvaluateError> {
    let mut inspector = ready(engine.clone(), class, protocol)?;
    let good: Vec<&Entry> = entries.iter().filter(|entry| entry.defect.is_none()).collect();
    let mut scores = Vec::new();
    let mut tally = Tally::default();
    for (i, entry) in good.iter().enumerate() {
        observe("calibrate", i, good.len());
        let parts = inspect(&mut inspector, entry, &entry.frame()?)?;
        tally.used(is_warned_of(&parts));
        scores.extend(parts.iter().map(|(_, inspection)| inspection.ranked_score()));
    }
    let supported = supported_rate(scores.len());
    let rate = protocol.false_reject_rate.max(supported);
    if rate > protocol.false_reject_rate {
        log::warn!("class {class}: {} validation frames support a false-reject rate of {supported:.4}", scores.len());
    }
    let calibration = calibrate(&scores, rate, None);
    let failed = |source| EvaluateError::Calibrate { class: class.into(), source };
    Ok((calibration.map_err(failed)?, tally))
}

/// An inspector that gives verdicts by the reject threshold alone: a review band belongs to a station.
fn ready(engine: Engine, class: &str, protocol: &Protocol) -> Result<Inspector, EvaluateError> {
    let reject = engine.metadata.calibration.map(|c| c.threshold);
    let made = Inspector::on_machine(protocol.backend, engine, protocol.arithmetic)
        .map_err(|source| EvaluateError::Engine { class: class.into(), source });
    let mut inspector = made?;
    if let Some(reject) = reject {
        inspector.set_thresholds(Thresholds { reject, review: None });
    }
    Ok(inspector)
}

/// The inspection of a part, and where all parts of its frame are that are inspected one by one.
type Inspected = (Option<Rc<[[f32; 2]]>>, Inspection);

/// Whether a frame is to be warned of: a part of it is doubtful or has no score.
fn is_warned_of(inspected: &[Inspected]) -> bool {
    inspected.iter().any(|(_, inspection)| inspection.outcome.reason().is_some() || inspection.doubt.is_some())
}

/// Every part of a frame.
fn inspect(inspector: &mut Inspector, entry: &Entry, frame: &RgbdFrame) -> Result<Vec<Inspected>, EvaluateError> {
    let failed = |source| EvaluateError::Inspect { path: entry.xyz.clone(), source };
    let places = inspector.parts(frame).map_err(failed)?;
    let middles: Option<Rc<[[f32; 2]]>> = places.iter().copied().collect();
    let mut inspected = Vec::new();
    for at in places {
        inspected.push((middles.clone(), inspector.inspect_part(frame, at).map_err(failed)?));
    }
    Ok(inspected)
}
