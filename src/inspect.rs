//! One frame in, one verdict out.

use std::time::{Duration, Instant};

use thiserror::Error;

use crate::backend::cpu::CpuOptions;
use crate::backend::cpu::kernel::Arithmetic;
use crate::backend::{self, AnomalyMaps, Backend, BackendError, Between, Choice};
use crate::frame::RgbdFrame;
use crate::model::engine_file::{Engine, Metadata};
use crate::prepare::{NetworkInput, Preparation, Preparer};
use crate::regions::{Misfit, NetworkMask};
use crate::score::{self, Thresholds, Verdict};

#[derive(Debug, Error, PartialEq)]
pub enum InspectError {
    #[error("the engine has no mappings yet: fit it on good parts, or import it with both mappings")]
    NotFitted,
    #[error("the cloud has no point at all: check the depth stream, or that this is the cloud's file")]
    EmptyCloud,
    #[error("the frame was not scored: {0}")]
    NotScored(Unscored),
    #[error(transparent)]
    Regions(#[from] Misfit),
    #[error(transparent)]
    Backend(#[from] BackendError),
}

/// Why a frame was rejected before the networks ran.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum Unscored {
    /// Fewer points than groups would repeat group centres: the shape is not described.
    #[error(
        "too few points: {points} are left on the part where at least {points_min} are needed; check the distance, the depth stream and the belt plane"
    )]
    TooFewPoints { points: usize, points_min: usize },
    #[error("no point of the part lies where defects count; check where the part lies, and the regions")]
    OutsideRegions,
}

impl Unscored {
    /// A word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::TooFewPoints { .. } => "too_few_points",
            Self::OutsideRegions => "outside_regions",
        }
    }
}

/// An engine ready to run, with the buffers that frames reuse.
pub struct Inspector {
    backend: Box<dyn Backend + Send>,
    preparer: Preparer,
    preparation: Preparation,
    thresholds: Option<Thresholds>,
    regions: Option<NetworkMask>,
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
        Ok(Self::with(backend, metadata))
    }

    /// Takes a back end that was readied for a fitted engine of this `metadata`.
    pub fn with(backend: Box<dyn Backend + Send>, metadata: Metadata) -> Self {
        Self {
            backend,
            preparer: Preparer::default(),
            preparation: metadata.preparation,
            thresholds: metadata.calibration.map(|c| Thresholds { reject: c.threshold, review: c.review }),
            regions: None,
            points_min: metadata.architecture.xyz.groups,
            between: Between::default(),
        }
    }

    pub fn thresholds(&self) -> Option<Thresholds> {
        self.thresholds
    }

    /// Other thresholds than the engine's.
    pub fn set_thresholds(&mut self, thresholds: Thresholds) {
        self.thresholds = Some(thresholds);
    }

    /// Where defects count from now on; everywhere with none. Gives back what held before.
    pub fn replace_regions(&mut self, regions: Option<NetworkMask>) -> Option<NetworkMask> {
        std::mem::replace(&mut self.regions, regions)
    }

    /// Runs the method on one frame.
    pub fn inspect(&mut self, frame: &RgbdFrame) -> Result<Inspection, InspectError> {
        let mut inspection = Inspection::default();
        self.inspect_into(frame, &mut inspection)?;
        Ok(inspection)
    }

    /// [`Self::inspect`] over the inspection of an earlier frame, whose buffers it reuses: a stream of frames of one
    /// size allocates nothing once the first went through. After an error the inspection means nothing.
    pub fn inspect_into(&mut self, frame: &RgbdFrame, inspection: &mut Inspection) -> Result<(), InspectError> {
        if frame.cloud().valid_count() == 0 {
            return Err(InspectError::EmptyCloud);
        }
        let counts = self.regions.as_mut().map(|regions| regions.of(frame.width(), frame.height())).transpose()?;
        let Inspection { scores, verdict, reason, input, maps, times } = inspection;
        *times = StageTimes::default();
        let start = Instant::now();
        self.preparer.run(frame, &self.preparation, input);
        times.prepare = start.elapsed();
        let (points, points_min) = (input.points(), self.points_min);
        if points < points_min {
            // A part whose shape is not seen is not known to be good.
            (*scores, *verdict) = (None, Some(Verdict::Reject));
            *reason = Some(Unscored::TooFewPoints { points, points_min });
            maps.silence();
            return Ok(());
        }
        let stages = self.backend.frame(&input.rgb, &input.cloud, &mut self.between, maps)?;
        [times.rgb_tokens, times.xyz_groups, times.anomaly_map] = stages;
        if let Some(counts) = counts {
            maps.keep(counts);
            if !maps.valid.contains(&true) {
                (*scores, *verdict, *reason) = (None, Some(Verdict::Reject), Some(Unscored::OutsideRegions));
                return Ok(());
            }
        }
        let map = &maps.anomaly_map;
        let found = Scores { score: score::maximum(map), reference: score::reference(map) };
        *verdict = self.thresholds.map(|thresholds| thresholds.verdict(found.score));
        (*scores, *reason) = (Some(found), None);
        Ok(())
    }
}

impl Inspection {
    /// Pixels that have a shape feature.
    pub fn valid_pixels(&self) -> usize {
        self.maps.valid.iter().filter(|v| **v).count()
    }

    /// The score, or infinity for a frame that was rejected before it had one: it ranks above every other.
    pub fn ranked_score(&self) -> f32 {
        self.scores.map_or(f32::INFINITY, |scores| scores.score)
    }
}
