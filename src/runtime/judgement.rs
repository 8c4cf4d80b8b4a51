//! The judgement of parts: an engine with the station's thresholds, belt plane and regions, and the check of a new one
//! before it takes over.

use std::path::{Path, PathBuf};

use thiserror::Error;

use super::arithmetic;
use super::judge::{self, InForce, Judge};
use crate::backend::Choice;
use crate::calibration::CalibrationError;
use crate::config::scene::Scene;
use crate::config::{self, regions as description};
use crate::dataset::finding::{Finding, Opinion};
use crate::dataset::recording::PartRecord;
use crate::dataset::{DatasetError, Reading, frames_under};
use crate::inspect::{InspectError, Inspector};
use crate::model::engine_file::EngineError;
use crate::prepare::Preparation;
use crate::regions::{NetworkMask, Regions, RegionsError};
use crate::score::{Thresholds, Verdict};

#[derive(Debug, Error)]
pub enum JudgementError {
    #[error(transparent)]
    Engine(#[from] EngineError),
    #[error(transparent)]
    Belt(#[from] CalibrationError),
    #[error(transparent)]
    Regions(#[from] RegionsError),
    #[error("the engine {} cannot be used: {source}", path.display())]
    Unusable { path: PathBuf, source: InspectError },
    #[error(
        "the engine {} has no threshold, so that no part could pass: calibrate it, or set engine.threshold",
        path.display()
    )]
    NoThreshold { path: PathBuf },
    #[error(
        "the threshold of the engine {} is {threshold} where engine.threshold_range, {least} to {largest}, is expected to hold it",
        path.display()
    )]
    OutOfRange { path: PathBuf, threshold: f32, least: f32, largest: f32 },
    #[error("cannot read the frames that engines are checked on: {0}")]
    CheckFrames(#[from] DatasetError),
    #[error("the engine was checked on {frame} and cannot inspect it: {source}")]
    CheckFailed { frame: String, source: InspectError },
    #[error(
        "the engine was checked on {frame}: its verdict is {found} (score {score}) where {expected} is expected; keep the old engine, calibrate the new one again, or correct the check frames"
    )]
    CheckDiffers { frame: String, score: String, found: Verdict, expected: Verdict },
}

pub struct Judgement {
    pub inspector: Inspector,
    pub judge: Judge,
    pub preparation: Preparation,
}

impl Judgement {
    /// Reads an engine with its own thresholds, and with its own scene where none is given.
    pub fn from_engine_file(path: &Path, scene: Option<&Scene>) -> Result<Self, JudgementError> {
        let plain = config::engine::Engine {
            path: path.into(),
            threshold: None,
            review: None,
            threshold_range: None,
            backend: Choice::Auto,
            precision: config::engine::Precision::F32,
            keys: None,
            check_frames: None,
        };
        Self::read(&plain, scene, &description::Regions::default())
    }

    /// Reads the engine of a station, with the station's thresholds, scene and regions.
    pub fn from_station(station: &config::Station) -> Result<Self, JudgementError> {
        let mut judgement = Self::read(&station.engine, station.scene.as_ref(), &station.regions)?;
        judgement.judge.recipe = station.active_recipe;
        Ok(judgement)
    }

    /// The judgement of a station that was taught nothing yet: every part is rejected.
    pub fn untaught(station: &config::Station) -> Result<Self, JudgementError> {
        let preparation = station.preparation()?;
        let inspector = Inspector::without_engine(preparation.clone());
        Ok(Self { inspector, judge: Judge::untaught(station.active_recipe), preparation })
    }

    fn read(
        engine: &config::engine::Engine,
        scene: Option<&Scene>,
        regions: &description::Regions,
    ) -> Result<Self, JudgementError> {
        let path = engine.path.as_path();
        let (mut file, _) = engine.read()?;
        if let Some(scene) = scene {
            file.prepare_as(scene.prepare(&file.metadata.preparation)?)?;
        }
        let preparation = file.metadata.preparation.clone();
        let engine_sha256 = file.content_sha256.clone();
        let calibration = file.metadata.calibration;
        let mut inspector = Inspector::on_machine(engine.backend, file, arithmetic::on_this_machine(engine.precision))
            .map_err(|source| JudgementError::Unusable { path: path.into(), source })?;
        let (thresholds, range) = thresholds(engine, inspector.thresholds())?;
        inspector.set_thresholds(thresholds);
        inspector.reject_doubtful(scene.is_some_and(Scene::rejects_doubtful));
        inspector.replace_regions(Regions::read(regions)?.map(NetworkMask::new));
        let judge = Judge { calibration, ..Judge::new(thresholds, range, engine_sha256) };
        Ok(Self { inspector, judge, preparation })
    }

    /// Goes on with the thresholds that were in force before a restart, by the rule of [`Judge::following`].
    pub fn follow(&mut self, before: &InForce) {
        if self.judge.is_untaught() {
            return;
        }
        self.judge = self.judge.clone().following(before);
        self.inspector.set_thresholds(self.judge.thresholds);
    }

    /// Inspects every frame in `folder`: each must get its recorded verdict, or pass where none was recorded. What a person
    /// says of a part counts instead of its verdict, and one that nobody could tell is left out. Returns the number of frames.
    pub fn check(&mut self, folder: &Path) -> Result<usize, JudgementError> {
        let entries = frames_under(folder, &Reading::default())?;
        let mut checked = 0;
        for entry in &entries {
            let opinion = Finding::beside(&entry.rgb)?.map(|finding| finding.opinion);
            let record = PartRecord::beside(&entry.rgb)?;
            let expected = match opinion {
                Some(Opinion::Good) => Verdict::Pass,
                Some(Opinion::Defect) => Verdict::Reject,
                Some(Opinion::Unsure) => continue,
                None => record.as_ref().map_or(Verdict::Pass, |record| record.verdict),
            };
            checked += 1;
            let frame = entry.frame()?;
            let inspection = self.inspector.inspect_part(&frame, record.and_then(|record| record.at));
            let inspection =
                inspection.map_err(|source| JudgementError::CheckFailed { frame: entry.name.clone(), source })?;
            let found = inspection.outcome.station_verdict();
            // A station rejects what is to be reviewed.
            if (found == Verdict::Pass) != (expected == Verdict::Pass) {
                let score = inspection.outcome.score().map_or("none".into(), |score| score.to_string());
                return Err(JudgementError::CheckDiffers { frame: entry.name.clone(), score, found, expected });
            }
        }
        Ok(checked)
    }
}

/// The thresholds of a configuration with the range that the page may set. `own`: those of the engine's calibration. A
/// configured threshold that is looser is logged.
pub fn thresholds(
    engine: &config::engine::Engine,
    own: Option<Thresholds>,
) -> Result<(Thresholds, [f32; 2]), JudgementError> {
    let found = judge::configured((engine.threshold, engine.review), engine.threshold_range, own);
    let (thresholds, range) = found.ok_or_else(|| JudgementError::NoThreshold { path: engine.path.clone() })?;
    if !(range[0]..=range[1]).contains(&thresholds.reject) {
        let ([least, largest], threshold) = (range, thresholds.reject);
        return Err(JudgementError::OutOfRange { path: engine.path.clone(), threshold, least, largest });
    }
    if let Some(own) = own.filter(|own| thresholds.is_looser_than(own)) {
        log::warn!("engine.threshold is {thresholds}, looser than the calibrated {own}: defects between them pass");
    }
    Ok((thresholds, range))
}
