//! Inspects a frame: from its photograph and cloud to its verdict.

mod doubt;
mod error;
mod gaps;
mod inspection;
mod outcome;
mod preparation_stage;
mod scoring_stage;
mod tally;

use std::num::NonZeroUsize;

use crate::backend::cpu::CpuBackend;
use crate::backend::gpu_frame::{GpuTimes, GpuUse};
use crate::backend::{Arithmetic, Backend, BackendError, Choice, Evaluation};
use crate::defects::Balance;
use crate::frame::RgbdFrame;
use crate::model::engine_file::{Engine, Metadata};
use crate::model::{Architecture, Score, Weights};
use crate::prepare::Preparation;
use crate::regions::NetworkMask;
use crate::score::Thresholds;
pub use doubt::{Doubt, Doubts};
pub use error::InspectError;
use gaps::GapStage;
pub use inspection::{Inspection, StageTimes};
pub use outcome::{Outcome, Scores, Unscored};
pub use preparation_stage::PreparationStage;
pub use scoring_stage::ScoringStage;
pub use tally::Tally;

/// An engine that is ready to run, with buffers that are reused for every frame. A frame that it returns an error for was
/// not inspected: such a part is not known to be good.
pub struct Inspector {
    /// The two stages may work in two threads, the second on one frame while the first is at the next; the scoring stage
    /// must get each frame from the preparation stage of its own engine.
    pub(crate) preparation: PreparationStage,
    pub(crate) scoring: ScoringStage,
    arithmetic: Arithmetic,
}

impl Inspector {
    /// Prepares a fitted engine on the machine that is chosen automatically; products are f32.
    ///
    /// An error if the engine was not fitted, or its check for gaps cannot be used.
    ///
    /// ```
    /// use std::ops::ControlFlow;
    ///
    /// use crosscheck::scene::{Part, Scene};
    /// use crosscheck::{Engine, Fit, FitSettings, Inspection, Inspector, Thresholds};
    ///
    /// let engine = Engine::built_in()?;
    /// assert!(Inspector::new(engine.clone()).is_err(), "it was not fitted yet");
    ///
    /// let scene = Scene::new(Part::Cap, 1);
    /// let mut fit = Fit::new(engine, FitSettings { epochs: 1, ..FitSettings::default() }, std::env::temp_dir())?;
    /// fit.add(&scene.nominal(0).frame)?;
    /// let mut inspector = Inspector::new(fit.run(None, &mut |_| ControlFlow::Continue(()))?)?;
    ///
    /// // Without a threshold there is a score and no verdict.
    /// let frame = scene.nominal(1).frame;
    /// let inspection = inspector.inspect(&frame)?;
    /// assert!(inspection.outcome.score().is_some() && inspection.outcome.verdict().is_none());
    ///
    /// inspector.set_thresholds(Thresholds { reject: f32::MAX, review: None });
    /// let mut inspection = Inspection::default();
    /// inspector.inspect_into(&frame, None, &mut inspection)?;
    /// assert!(inspection.outcome.passes());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn new(engine: Engine) -> Result<Self, InspectError> {
        Self::on_machine(Choice::Auto, engine, Arithmetic::F32)
    }

    /// Prepares a fitted engine on the machine of `choice`. The CPU takes large products in `arithmetic`.
    pub fn on_machine(choice: Choice, engine: Engine, arithmetic: Arithmetic) -> Result<Self, InspectError> {
        Self::opened(engine, arithmetic, |architecture, weights, evaluation| {
            choice.machine().inspector(architecture, weights, evaluation)
        })
    }

    /// Prepares a fitted engine on the CPU, with so many threads, the calling one among them: for a program that leaves cores
    /// to other work. The results do not depend on their number.
    pub fn with_threads(engine: Engine, arithmetic: Arithmetic, threads: NonZeroUsize) -> Result<Self, InspectError> {
        Self::opened(engine, arithmetic, |architecture, weights, evaluation| {
            if !weights.is_fitted() {
                return Err(BackendError::NotFitted);
            }
            Ok(Box::new(CpuBackend::with_threads(architecture, weights, evaluation, threads.get())))
        })
    }

    fn opened(
        engine: Engine,
        arithmetic: Arithmetic,
        open: impl FnOnce(&Architecture, Weights, Evaluation) -> Result<Box<dyn Backend + Send>, BackendError>,
    ) -> Result<Self, InspectError> {
        let gaps = GapStage::of(&engine)?;
        let Engine { metadata, weights, .. } = engine;
        let evaluation = Evaluation { arithmetic, stride: metadata.preparation.stride };
        let backend = open(&metadata.architecture, weights, evaluation)?;
        let mut inspector = Self { arithmetic, ..Self::from_backend(backend, metadata) };
        inspector.scoring.gaps = gaps;
        Ok(inspector)
    }

    /// Uses a back end that holds a fitted engine with this `metadata`, for the anomaly map alone: parts are not checked for
    /// gaps.
    #[doc(hidden)]
    pub fn from_backend(backend: Box<dyn Backend + Send>, metadata: Metadata) -> Self {
        let Metadata { preparation, usual, calibration, architecture, balance, .. } = metadata;
        let thresholds = calibration.map(|calibration| calibration.thresholds());
        let balance = Balance { score: architecture.score, good: balance };
        let machine = backend.preparation_machine();
        Self {
            preparation: PreparationStage::new(machine, preparation, usual),
            scoring: ScoringStage::new(Some(backend), thresholds, balance, architecture.xyz.groups),
            arithmetic: Arithmetic::F32,
        }
    }

    /// An inspector that was taught nothing yet: it prepares frames, and rejects every part.
    #[doc(hidden)]
    pub fn without_engine(preparation: Preparation) -> Self {
        Self {
            preparation: PreparationStage::new(None, preparation, None),
            scoring: ScoringStage::new(None, None, Balance { score: Score::default(), good: None }, 0),
            arithmetic: Arithmetic::F32,
        }
    }

    /// Returns how the CPU evaluates the networks.
    #[doc(hidden)]
    pub fn evaluation(&self) -> Evaluation {
        Evaluation { arithmetic: self.arithmetic, stride: self.preparation.preparation.stride }
    }

    /// Measures the stages of frames on the GPU from now on, which makes them a little slower. Returns what the GPU is and
    /// how much of its memory is used; none if the CPU inspects.
    #[doc(hidden)]
    pub fn measure_gpu(&mut self) -> Result<Option<GpuUse>, InspectError> {
        self.preparation.measure();
        self.scoring.measure_gpu()
    }

    /// The times of the last frame on the GPU, after [`Self::measure_gpu`]; none if the CPU inspects.
    #[doc(hidden)]
    pub fn gpu_times(&self) -> Result<Option<GpuTimes>, InspectError> {
        let (preparation, scoring) = (self.preparation.gpu_times()?, self.scoring.gpu_times()?);
        Ok(scoring.map(|scoring| match preparation {
            Some(GpuTimes { mut stages, waited, .. }) => {
                stages.extend(scoring.stages);
                GpuTimes { stages, waited, ..scoring }
            }
            None => scoring,
        }))
    }

    /// Where verdicts change; none if the engine was not calibrated and none were set: frames get scores without a verdict.
    pub fn thresholds(&self) -> Option<Thresholds> {
        self.scoring.thresholds
    }

    /// Replaces the engine's thresholds.
    pub fn set_thresholds(&mut self, thresholds: Thresholds) {
        self.scoring.set_thresholds(thresholds);
    }

    /// Sets whether a part is rejected if something else may have been taken for it.
    pub fn reject_doubtful(&mut self, rejects: bool) {
        self.scoring.rejects_doubtful = rejects;
    }

    /// Sets the regions in which defects count from now on; with none they count everywhere. Returns the previous ones.
    #[doc(hidden)]
    pub fn replace_regions(&mut self, regions: Option<NetworkMask>) -> Option<NetworkMask> {
        self.scoring.replace_regions(regions)
    }

    /// Returns the parts of a frame that are inspected one by one, each as its middle `[x, y]` in pixels of the
    /// photograph. If the engine inspects one part for each frame, or finds none, returns one part without a middle.
    pub fn parts(&mut self, frame: &RgbdFrame) -> Result<Vec<Option<[f32; 2]>>, InspectError> {
        let found = self.preparation.parts(frame)?;
        Ok(if found.is_empty() { vec![None] } else { found.into_iter().map(Some).collect() })
    }

    /// Runs the method on one frame.
    pub fn inspect(&mut self, frame: &RgbdFrame) -> Result<Inspection, InspectError> {
        self.inspect_part(frame, None)
    }

    /// Runs the method on the part of a frame whose middle in the photograph is `at`.
    pub fn inspect_part(&mut self, frame: &RgbdFrame, at: Option<[f32; 2]>) -> Result<Inspection, InspectError> {
        let mut inspection = Inspection::default();
        self.inspect_into(frame, at, &mut inspection)?;
        Ok(inspection)
    }

    /// [`Self::inspect_part`] that replaces the inspection of an earlier frame and reuses its buffers: a stream of
    /// frames of one size allocates nothing after the first. After an error nothing was inspected.
    pub fn inspect_into(
        &mut self,
        frame: &RgbdFrame,
        at: Option<[f32; 2]>,
        inspection: &mut Inspection,
    ) -> Result<(), InspectError> {
        self.preparation.run(frame, at, inspection)?;
        self.scoring.run((frame.width(), frame.height()), inspection)
    }
}
