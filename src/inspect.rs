//! Inspects a frame: from its photograph and cloud to its verdict.

mod doubt;
mod outcome;
mod tally;

use std::time::{Duration, Instant};

use thiserror::Error;

use crate::backend::{AnomalyMaps, Arithmetic, Backend, BackendError, Choice, Evaluation, Features};
use crate::calibration::distance::is_other_unit;
use crate::frame::RgbdFrame;
use crate::model::engine_file::{Engine, Metadata, Usual};
use crate::prepare::crop::CropMisfit;
use crate::prepare::{NetworkInput, PartChoice, Preparation, Preparer};
use crate::regions::{Misfit, NetworkMask};
use crate::score::{self, Thresholds};
pub use doubt::{Doubt, Doubts};
pub use outcome::{Outcome, Scores, Unscored};
pub use tally::Tally;

#[derive(Debug, Error, PartialEq)]
pub enum InspectError {
    #[error("the frame was not scored: {0}")]
    NotScored(Unscored),
    #[error(
        "points are {depth_m} m away, but {usual_m} m was usual in the fit: their unit differs from that of the fit; set depth_unit_m of the camera file (depth images), or --cloud-unit (clouds)"
    )]
    Unit { depth_m: f32, usual_m: f32 },
    #[error(transparent)]
    Crop(#[from] CropMisfit),
    #[error(transparent)]
    Regions(#[from] Misfit),
    #[error(transparent)]
    Backend(#[from] BackendError),
}

/// An engine that is ready to run, with buffers that are reused for every frame.
pub struct Inspector {
    backend: Box<dyn Backend + Send>,
    preparer: Preparer,
    preparation: Preparation,
    usual: Option<Usual>,
    thresholds: Option<Thresholds>,
    regions: Option<NetworkMask>,
    rejects_doubtful: bool,
    arithmetic: Arithmetic,
    points_min: usize,
    features: Features,
}

/// The result of one frame.
#[derive(Clone, Debug, Default)]
pub struct Inspection {
    pub outcome: Outcome,
    /// Why something other than the part may have been inspected.
    pub doubt: Option<Doubt>,
    pub input: NetworkInput,
    pub maps: AnomalyMaps,
    pub times: StageTimes,
}

/// How long the stages of one frame took.
#[derive(Clone, Copy, Debug, Default)]
pub struct StageTimes {
    pub prepare: Duration,
    pub rgb_tokens: Duration,
    pub xyz_groups: Duration,
    pub anomaly_map: Duration,
}

impl StageTimes {
    /// Names and times of the stages, in the order in which they run.
    pub fn stages(&self) -> [(&'static str, Duration); 4] {
        [
            ("prepare", self.prepare),
            ("rgb_tokens", self.rgb_tokens),
            ("xyz_groups", self.xyz_groups),
            ("anomaly_map", self.anomaly_map),
        ]
    }

    pub fn total(&self) -> Duration {
        self.stages().iter().map(|(_, time)| *time).sum()
    }
}

impl Inspector {
    /// Prepares a fitted engine on the machine that is chosen automatically; products are f32.
    pub fn new(engine: Engine) -> Result<Self, InspectError> {
        Self::on_machine(Choice::Auto, engine, Arithmetic::F32)
    }

    /// Prepares a fitted engine on the machine of `choice`. The CPU takes large products in `arithmetic`.
    pub fn on_machine(choice: Choice, engine: Engine, arithmetic: Arithmetic) -> Result<Self, InspectError> {
        let Engine { metadata, weights, .. } = engine;
        let evaluation = Evaluation { arithmetic, stride: metadata.preparation.stride };
        let backend = choice.machine().inspector(&metadata.architecture, weights, evaluation)?;
        Ok(Self { arithmetic, ..Self::from_backend(backend, metadata) })
    }

    /// Uses a back end that holds a fitted engine with this `metadata`.
    pub fn from_backend(backend: Box<dyn Backend + Send>, metadata: Metadata) -> Self {
        Self {
            backend,
            preparer: Preparer::default(),
            preparation: metadata.preparation,
            usual: metadata.usual,
            thresholds: metadata.calibration.map(|c| Thresholds { reject: c.threshold, review: c.review }),
            regions: None,
            rejects_doubtful: false,
            arithmetic: Arithmetic::F32,
            points_min: metadata.architecture.xyz.groups,
            features: Features::default(),
        }
    }

    /// Returns how the CPU evaluates the networks.
    pub fn evaluation(&self) -> Evaluation {
        Evaluation { arithmetic: self.arithmetic, stride: self.preparation.stride }
    }

    pub fn thresholds(&self) -> Option<Thresholds> {
        self.thresholds
    }

    /// Replaces the engine's thresholds.
    pub fn set_thresholds(&mut self, thresholds: Thresholds) {
        self.thresholds = Some(thresholds);
    }

    /// Sets whether a part is rejected if something else may have been taken for it.
    pub fn reject_doubtful(&mut self, rejects: bool) {
        self.rejects_doubtful = rejects;
    }

    /// Sets the regions in which defects count from now on; with none they count everywhere. Returns the previous ones.
    pub fn replace_regions(&mut self, regions: Option<NetworkMask>) -> Option<NetworkMask> {
        std::mem::replace(&mut self.regions, regions)
    }

    /// Returns the parts of a frame that are inspected one by one, each as its middle `[x, y]` in pixels of the
    /// photograph. If the engine inspects one part for each frame, or finds none, returns one part without a middle.
    pub fn parts(&mut self, frame: &RgbdFrame) -> Result<Vec<Option<[f32; 2]>>, InspectError> {
        if self.preparation.part != PartChoice::Each {
            return Ok(vec![None]);
        }
        let found = self.preparer.parts(frame, &self.preparation)?;
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
        let start = Instant::now();
        inspection.outcome = Outcome::default();
        self.check_size(frame)?;
        self.backend.prepare(&mut self.preparer, frame, &self.preparation, at, &mut inspection.input)?;
        inspection.times = StageTimes { prepare: start.elapsed(), ..StageTimes::default() };
        self.check_unit(&inspection.input)?;
        inspection.doubt = Doubt::from_input(&inspection.input, self.preparation.part, self.usual.as_ref());
        if let Some(reason) = self.refusal(inspection) {
            inspection.maps.silence();
            inspection.outcome = Outcome::Unscored(reason);
            return Ok(());
        }
        let Inspection { input, maps, times, .. } = inspection;
        let stages = self.backend.frame(&input.rgb, &input.cloud, &mut self.features, maps)?;
        [times.rgb_tokens, times.xyz_groups, times.anomaly_map] = stages;
        if let Some(regions) = &mut self.regions {
            maps.keep(regions.for_window(frame.width(), frame.height(), &input.window)?);
            if !maps.valid.contains(&true) {
                inspection.outcome = Outcome::Unscored(Unscored::OutsideRegions);
                return Ok(());
            }
        }
        let map = &maps.anomaly_map;
        let scores = Scores { score: score::maximum(map), reference: score::reference(map) };
        let verdict = self.thresholds.map(|thresholds| thresholds.verdict(scores.score));
        inspection.outcome = Outcome::Scored { scores, verdict };
        Ok(())
    }

    /// A crop in pixels needs photographs of the size that the engine was fitted on.
    fn check_size(&self, frame: &RgbdFrame) -> Result<(), CropMisfit> {
        let Some(Usual { width: fitted_width, height: fitted_height, .. }) = self.usual else { return Ok(()) };
        let (width, height) = (frame.width(), frame.height());
        if self.preparation.crop.is_in_pixels() && (width, height) != (fitted_width, fitted_height) {
            return Err(CropMisfit::Size { width, height, fitted_width, fitted_height });
        }
        Ok(())
    }

    fn check_unit(&self, input: &NetworkInput) -> Result<(), InspectError> {
        match (input.taken.depth_m, &self.usual) {
            (Some(depth_m), Some(usual)) if is_other_unit(depth_m, usual.depth_m) => {
                Err(InspectError::Unit { depth_m, usual_m: usual.depth_m })
            }
            _ => Ok(()),
        }
    }

    /// Why a prepared frame is rejected without a score.
    fn refusal(&self, inspection: &Inspection) -> Option<Unscored> {
        let doubtful = || inspection.doubt.filter(|_| self.rejects_doubtful).map(Unscored::Doubtful);
        Unscored::from_input(&inspection.input, self.points_min).or_else(doubtful)
    }
}

impl Inspection {
    /// Number of pixels with a shape feature.
    pub fn valid_pixels(&self) -> usize {
        self.maps.valid.iter().filter(|v| **v).count()
    }

    /// The score; infinity for a frame without one, which ranks above every other.
    pub fn ranked_score(&self) -> f32 {
        self.outcome.score().unwrap_or(f32::INFINITY)
    }
}
