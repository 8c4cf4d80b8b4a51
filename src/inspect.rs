//! One frame in, one verdict out.

mod doubt;
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
use crate::prepare::{Missing, NetworkInput, PartChoice, Preparation, Preparer};
use crate::regions::{Misfit, NetworkMask};
use crate::score::{self, Thresholds, Verdict};
pub use doubt::{Doubt, Doubts};
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

/// Why a frame was rejected before the networks ran.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum Unscored {
    #[error(
        "the frame has no point at all where the part may be: check the depth stream, or that this is the cloud's file"
    )]
    NoPoints,
    #[error(
        "no part was found: no component of at least 30 points is left that is clear of the picture's edge where scene.part asks for that; check where the part lies, scene.crop, and the belt"
    )]
    NoPart,
    #[error(
        "no window can follow the part: the cloud does not tell what a pixel is in millimetres; check that x, y and z are in the camera's frame, and scene.crop.follow_mm"
    )]
    NoScale,
    /// Fewer points than groups would repeat group centres: the shape is not described.
    #[error(
        "too few points: {points} are left on the part where at least {points_min} are needed; check the distance, the depth stream and the belt plane"
    )]
    TooFewPoints { points: usize, points_min: usize },
    #[error("no point of the part lies where defects count; check where the part lies, and the regions")]
    OutsideRegions,
    #[error("it is doubtful what the part is: {0}")]
    Doubtful(Doubt),
}

impl Unscored {
    /// Why nothing can be said about the part in `input`, described by `points_min` points at the least.
    pub fn of(input: &NetworkInput, points_min: usize) -> Option<Self> {
        let points = input.points();
        match input.taken.missing {
            _ if input.taken.depth_m.is_none() => Some(Self::NoPoints),
            Some(Missing::Component) => Some(Self::NoPart),
            Some(Missing::Scale) => Some(Self::NoScale),
            None => (points < points_min).then_some(Self::TooFewPoints { points, points_min }),
        }
    }

    /// A few words for it, the same for each frame of a kind.
    pub fn words(self) -> &'static str {
        match self {
            Self::NoPoints => "no point where the part may be",
            Self::NoPart => "no part was found",
            Self::NoScale => "no window can follow the part",
            Self::TooFewPoints { .. } => "too few points on the part",
            Self::OutsideRegions => "no point of the part where defects count",
            Self::Doubtful(_) => "doubtful what the part is",
        }
    }

    /// A word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::NoPoints => "no_points",
            Self::NoPart => "no_part",
            Self::NoScale => "no_scale",
            Self::TooFewPoints { .. } => "too_few_points",
            Self::OutsideRegions => "outside_regions",
            Self::Doubtful(_) => "doubtful_part",
        }
    }
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

/// What one frame came to.
#[derive(Clone, Debug, Default)]
pub struct Inspection {
    /// None where the frame was rejected before the networks ran.
    pub scores: Option<Scores>,
    /// None where the engine has no threshold and the frame could be scored.
    pub verdict: Option<Verdict>,
    /// Why a frame that was not scored is rejected.
    pub reason: Option<Unscored>,
    /// Why another thing than the part may have been inspected.
    pub doubt: Option<Doubt>,
    pub input: NetworkInput,
    pub maps: AnomalyMaps,
    pub times: StageTimes,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scores {
    /// The anomaly map's maximum (section 3.3).
    pub score: f32,
    /// The published evaluation's score.
    pub reference: f32,
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
    /// size allocates nothing once the first went through. After an error the inspection means nothing.
    pub fn inspect_into(
        &mut self,
        frame: &RgbdFrame,
        at: Option<[f32; 2]>,
        inspection: &mut Inspection,
    ) -> Result<(), InspectError> {
        let start = Instant::now();
        self.check_size(frame)?;
        self.preparer.run(frame, &self.preparation, at, &mut inspection.input)?;
        inspection.times = StageTimes { prepare: start.elapsed(), ..StageTimes::default() };
        self.check_unit(&inspection.input)?;
        inspection.doubt = Doubt::of(&inspection.input, self.preparation.part, self.usual.as_ref());
        if let Some(reason) = self.refusal(inspection) {
            // A part that is not seen is not known to be good.
            inspection.maps.silence();
            inspection.refuse(reason);
            return Ok(());
        }
        let Inspection { input, maps, times, .. } = inspection;
        let stages = self.backend.frame(&input.rgb, &input.cloud, &mut self.between, maps)?;
        [times.rgb_tokens, times.xyz_groups, times.anomaly_map] = stages;
        if let Some(regions) = &mut self.regions {
            maps.keep(regions.of(frame.width(), frame.height(), &input.window)?);
            if !maps.valid.contains(&true) {
                inspection.refuse(Unscored::OutsideRegions);
                return Ok(());
            }
        }
        let map = &maps.anomaly_map;
        let found = Scores { score: score::maximum(map), reference: score::reference(map) };
        inspection.verdict = self.thresholds.map(|thresholds| thresholds.verdict(found.score));
        (inspection.scores, inspection.reason) = (Some(found), None);
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
        Unscored::of(&inspection.input, self.points_min).or_else(doubtful)
    }
}

impl Inspection {
    fn refuse(&mut self, reason: Unscored) {
        (self.scores, self.verdict, self.reason) = (None, Some(Verdict::Reject), Some(reason));
    }

    /// Pixels that have a shape feature.
    pub fn valid_pixels(&self) -> usize {
        self.maps.valid.iter().filter(|v| **v).count()
    }

    /// The score, or infinity for a frame that was rejected before it had one: it ranks above every other.
    pub fn ranked_score(&self) -> f32 {
        self.scores.map_or(f32::INFINITY, |scores| scores.score)
    }
}
