//! The protocol of the paper's section 4 on one class: fit on its train split, calibrate on its validation
//! split, test on its test split. A fitted engine is only tested.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use thiserror::Error;

use super::metrics::Tested;
use crate::backend::Choice;
use crate::backend::cpu::kernel::Arithmetic;
use crate::calibrate::{CalibrateError, Calibration, calibrate, supported_rate};
use crate::dataset::{DatasetError, Entry, Layout, Split, draw};
use crate::fit::{Fit, FitError, Settings};
use crate::frame::RgbdFrame;
use crate::inspect::{InspectError, Inspection, Inspector};
use crate::model::engine_file::Engine;
use crate::prepare::resize;
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
#[derive(Clone, Copy, Debug)]
pub struct Dataset<'a> {
    pub root: &'a Path,
    pub layout: Layout,
}

/// What an engine without mappings goes through before it is tested.
#[derive(Clone, Copy, Debug)]
pub struct Protocol {
    /// Frames to learn from, drawn at random; all of the train split without it.
    pub shots: Option<usize>,
    pub settings: Settings,
    /// Asked of the validation split; as near to it as that split supports.
    pub false_reject_rate: f64,
    /// Of inspections; a fit is always the CPU's, in f32.
    pub backend: Choice,
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
    if !engine.is_fitted() {
        let start = Instant::now();
        let entries = dataset.layout.entries(dataset.root, class, Split::Train)?;
        engine = fit_class(engine, entries, class, protocol, observe)?;
        fit = Some((engine.metadata.fitted_on.len(), start.elapsed()));
        let entries = dataset.layout.entries(dataset.root, class, Split::Validation)?;
        engine.metadata.calibration = Some(calibrate_class(&engine, &entries, class, protocol, observe)?);
    }
    let calibration = engine.metadata.calibration;
    let mut inspector = ready(engine, class, protocol)?;
    let entries = dataset.layout.entries(dataset.root, class, Split::Test)?;
    let (mut tested, mut spent) = (Vec::new(), Duration::ZERO);
    for (i, entry) in entries.iter().enumerate() {
        observe("test", i, entries.len());
        let frame = entry.frame()?;
        let truth = entry.truth(frame.width(), frame.height())?;
        let inspection = inspect(&mut inspector, entry, &frame)?;
        spent += inspection.times.total();
        tested.push(Tested {
            name: entry.name.clone(),
            defect: entry.defect.clone(),
            truth: resize::nearest(&truth, frame.width(), frame.height(), false),
            score: inspection.scores.map(|s| s.score),
            verdict: inspection.verdict,
            psi: Tested::psi_of(inspection.maps),
        });
    }
    let latency = spent / entries.len().max(1) as u32;
    Ok(ClassRun { tested, entries, calibration, fit, latency })
}

fn fit_class(
    engine: Engine,
    mut entries: Vec<Entry>,
    class: &str,
    protocol: &Protocol,
    observe: &mut Observer,
) -> Result<Engine, EvaluateError> {
    let failed = |source| EvaluateError::Fit { class: class.into(), source };
    entries.retain(|entry| entry.defect.is_none());
    if let Some(shots) = protocol.shots {
        entries = draw(entries, shots, protocol.settings.seed);
    }
    let mut fit = Fit::on(protocol.backend, engine, std::env::temp_dir()).map_err(failed)?;
    for (i, entry) in entries.iter().enumerate() {
        observe("features", i, entries.len());
        if !fit.add(&entry.frame()?).map_err(failed)? {
            log::warn!("{}: left out, its part has too few points", entry.rgb.display());
        }
    }
    let fitted = fit.run(&protocol.settings, None, &mut |progress| {
        observe("fit", progress.epoch, progress.epochs);
        std::ops::ControlFlow::Continue(())
    });
    fitted.map_err(failed)
}

fn calibrate_class(
    engine: &Engine,
    entries: &[Entry],
    class: &str,
    protocol: &Protocol,
    observe: &mut Observer,
) -> Result<Calibration, EvaluateError> {
    let mut inspector = ready(engine.clone(), class, protocol)?;
    let good: Vec<&Entry> = entries.iter().filter(|entry| entry.defect.is_none()).collect();
    let mut scores = Vec::new();
    for (i, entry) in good.iter().enumerate() {
        observe("calibrate", i, good.len());
        scores.push(inspect(&mut inspector, entry, &entry.frame()?)?.ranked_score());
    }
    let supported = supported_rate(scores.len());
    let rate = protocol.false_reject_rate.max(supported);
    if rate > protocol.false_reject_rate {
        log::warn!("class {class}: {} validation frames support a false-reject rate of {supported:.4}", scores.len());
    }
    calibrate(&scores, rate, None).map_err(|source| EvaluateError::Calibrate { class: class.into(), source })
}

/// An inspector that gives verdicts by what rejects; a review band is a station's affair.
fn ready(engine: Engine, class: &str, protocol: &Protocol) -> Result<Inspector, EvaluateError> {
    let reject = engine.metadata.calibration.map(|c| c.threshold);
    let made = Inspector::on(protocol.backend, engine, protocol.arithmetic)
        .map_err(|source| EvaluateError::Engine { class: class.into(), source });
    let mut inspector = made?;
    if let Some(reject) = reject {
        inspector.set_thresholds(Thresholds { reject, review: None });
    }
    Ok(inspector)
}

fn inspect(inspector: &mut Inspector, entry: &Entry, frame: &RgbdFrame) -> Result<Inspection, EvaluateError> {
    inspector.inspect(frame).map_err(|source| EvaluateError::Inspect { path: entry.xyz.clone(), source })
}
