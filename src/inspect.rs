//! One frame in, one verdict out.

mod doubt;
mod outcome;
mod tally;

use std::time::{Duration, Instant};

use thiserror::Error;

use crate::backend::cpu::CpuOptions;
use crate::backend::cpu::kernel::Arithmetic;
use crate::backend::{self, AnomalyMaps, Backend, BackendError, Between, Choice};
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
    #[error("the engine has no mappings yet: fit it on good parts, or import it with both mappings")]
    NotFitted,
    #[error("the frame was not scored: {0}")]
    NotScored(Unscored),
    #[error(
        "points are {depth_m} m away where {usual_m} m was usual in the fit: their unit is another one; set depth_unit_m of the camera file (depth images), or --cloud-unit (clouds)"
    )]
    Unit { depth_m: f32, usual_m: f32 },
    #[error(transparent)]
    Crop(#[from] CropMisfit),
    #[error(transparent)]
    Regions(#[from] Misfit),
    #[error(transparent)]
    Backend(#[from] BackendError),
}

/// An engine ready to run, with the buffers that frames reuse.
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
    between: Between,
}

/// The result of one frame.
#[derive(Clone, Debug, Default)]
pub struct Inspection {
    pub outcome: Outcome,
    /// Why another thing than the part may have been inspected.
    pub doubt: Option<Doubt>,
    pub input: NetworkInput,
    pub maps: AnomalyMaps,
    pub times: StageTimes,
}

/// Where the time of one frame went.
#[derive(Clone, Copy, Debug, Default)]
pub struct StageTimes {
    pub prepare: Duration,
    pub rgb_tokens: Duration,
    pub xyz_groups: Duration,
    pub anomaly_map: Duration,
}

impl StageTimes {
    /// Stage names and times in the order they ran.
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
    /// Readies a fitted engine; products are f32.
    pub fn new(engine: Engine) -> Result<Self, InspectError> {
        Self::on(Choice::Auto, engine, Arithmetic::F32)
    }

    /// Readies a fitted engine on the machine of `choice`; large products of the CPU are taken in `arithmetic`.
    pub fn on(choice: Choice, engine: Engine, arithmetic: Arithmetic) -> Result<Self, InspectError> {
        if !engine.is_fitted() {
            return Err(InspectError::NotFitted);
        }
        let Engine { metadata, weights, .. } = engine;
        let options = CpuOptions { arithmetic, stride: metadata.preparation.stride };
        let backend = backend::open(choice, &metadata.architecture, weights, options)?;
        Ok(Self { arithmetic, ..Self::with(backend, metadata) })
    }

    /// Takes a back end that was readied for a fitted engine of this `metadata`.
    pub fn with(backend: Box<dyn Backend + Send>, metadata: Metadata) -> Self {
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
            between: Between::default(),
        }
    }

    /// How the CPU evaluates.
    pub fn options(&self) -> CpuOptions {
        CpuOptions { arithmetic: self.arithmetic, stride: self.preparation.stride }
    }

    pub fn thresholds(&self) -> Option<Thresholds> {
        self.thresholds
    }

    /// Other thresholds than the engine's.
    pub fn set_thresholds(&mut self, thresholds: Thresholds) {
        self.thresholds = Some(thresholds);
    }

    /// Whether a part is rejected where it is doubtful that it is the part.
    pub fn reject_doubtful(&mut self, rejects: bool) {
        self.rejects_doubtful = rejects;
    }

    /// Where defects count from now on; everywhere with none. Gives back what held before.
    pub fn replace_regions(&mut self, regions: Option<NetworkMask>) -> Option<NetworkMask> {
        std::mem::replace(&mut self.regions, regions)
    }

    /// The parts of a frame that are inspected one by one, each by its middle, pixels `[x, y]` of the photograph. Where the
    /// engine inspects one part of a frame, or finds none, it is one that is not named.
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

    /// Runs the method on one of the parts of a frame, by its middle in the photograph.
    pub fn inspect_part(&mut self, frame: &RgbdFrame, at: Option<[f32; 2]>) -> Result<Inspection, InspectError> {
        let mut inspection = Inspection::default();
        self.inspect_into(frame, at, &mut inspection)?;
        Ok(inspection)
    }

    /// [`Self::inspect_part`] over the inspection of an earlier frame, whose buffers it reuses: a stream of frames of one
    /// size allocates nothing once the first went through. After an error nothing was
    /// inspected.
    pub fn inspect_into(
        &mut self,
        frame: &RgbdFrame,
        at: Option<[f32; 2]>,
        inspection: &mut Inspection,
    ) -> Result<(), InspectError> {
        let start = Instant::now();
        inspection.outcome = Outcome::default();
        self.check_size(frame)?;
        self.preparer.run(frame, &self.preparation, at, &mut inspection.input)?;
        inspection.times = StageTimes { prepare: start.elapsed(), ..StageTimes::default() };
        self.check_unit(&inspection.input)?;
        inspection.doubt = Doubt::of(&inspection.input, self.preparation.part, self.usual.as_ref());
        if let Some(reason) = self.refusal(inspection) {
            inspection.maps.silence();
            inspection.outcome = Outcome::Unscored(reason);
            return Ok(());
        }
        let Inspection { input, maps, times, .. } = inspection;
        let stages = self.backend.frame(&input.rgb, &input.cloud, &mut self.between, maps)?;
        [times.rgb_tokens, times.xyz_groups, times.anomaly_map] = stages;
        if let Some(regions) = &mut self.regions {
            maps.keep(regions.of(frame.width(), frame.height(), &input.window)?);
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

    /// Pixels of a crop are those of the photographs that the engine was fitted on.
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
    /// Pixels that have a shape feature.
    pub fn valid_pixels(&self) -> usize {
        self.maps.valid.iter().filter(|v| **v).count()
    }

    /// The score; infinity for a frame without one, which ranks above every other.
    pub fn ranked_score(&self) -> f32 {
        self.outcome.score().unwrap_or(f32::INFINITY)
    }
}
