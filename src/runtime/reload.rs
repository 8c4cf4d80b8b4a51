//! What SIGHUP does: the configuration is read again, and what may change while parts are on the belt is changed.

use std::path::PathBuf;
use std::sync::Arc;

use thiserror::Error;

use super::inspection::Change;
use super::judgement::{Judge, Judgement, JudgementError};
use crate::config::{ConfigError, Station};
use crate::model::engine_file::{Engine, EngineError};
use crate::regions::{Misfit, NetworkMask, Regions, RegionsError};
use crate::score::Thresholds;

#[derive(Debug, Error)]
pub enum ReloadError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Engine(#[from] EngineError),
    #[error(transparent)]
    Judgement(#[from] JudgementError),
    #[error(transparent)]
    Regions(#[from] RegionsError),
    #[error(transparent)]
    Misfit(#[from] Misfit),
}

/// The configuration in use.
pub struct Reloader {
    path: PathBuf,
    station: Station,
    engine_sha256: String,
    median_score: Option<f32>,
}

impl Reloader {
    pub fn new(path: PathBuf, station: Station, judge: &Judge) -> Self {
        Self { path, station, engine_sha256: judge.engine_sha256.clone(), median_score: judge.median_score }
    }

    /// Reads the configuration again. What is wrong with it changes nothing. `frame`: width and height of the
    /// camera's frames, which regions have to fit.
    pub fn reload(&mut self, frame: Option<(usize, usize)>) -> Result<Vec<Change>, ReloadError> {
        let station = Station::read(&self.path)?;
        let file = Engine::read(&station.engine.path)?;
        let regions = Regions::read(&station.regions)?;
        if let (Some(regions), Some((width, height))) = (&regions, frame) {
            regions.network_mask(width, height)?;
        }
        let other_engine = file.content_sha256 != self.engine_sha256
            || station.engine.plane != self.station.engine.plane
            || station.engine.backend != self.station.engine.backend
            || station.engine.precision != self.station.engine.precision;
        let median_score = file.metadata.calibration.and_then(|calibration| calibration.median_score);
        let changes = if other_engine {
            vec![self.engine(&station)?]
        } else {
            let own = file.metadata.calibration.map(|c| Thresholds { reject: c.threshold, review: c.review });
            let asked = station.engine.threshold.map(|reject| Thresholds { reject, review: station.engine.review });
            let Some(thresholds) = asked.or(own) else {
                return Err(JudgementError::NoThreshold { path: station.engine.path }.into());
            };
            let judge = Judge { thresholds, engine_sha256: file.content_sha256.clone(), median_score };
            vec![Change::Judge(Arc::new(judge)), Change::Regions(regions.map(NetworkMask::new))]
        };
        if !self.is_alike(&station) {
            log::warn!("reload: only [engine] and [regions] change while the station runs; the rest needs a restart");
        }
        (self.engine_sha256, self.median_score) = (file.content_sha256, median_score);
        (self.station.engine, self.station.regions) = (station.engine, station.regions);
        Ok(changes)
    }

    /// Another threshold, until the next reload.
    pub fn threshold(&self, reject: f32) -> Change {
        let thresholds = Thresholds { reject, review: None };
        let (engine_sha256, median_score) = (self.engine_sha256.clone(), self.median_score);
        Change::Judge(Arc::new(Judge { thresholds, engine_sha256, median_score }))
    }

    /// Another engine, which has been held to the check frames.
    fn engine(&self, station: &Station) -> Result<Change, ReloadError> {
        let mut judgement = Judgement::read(&station.engine, &station.regions)?;
        match &station.engine.check_frames {
            Some(folder) => {
                let frames = judgement.check(folder)?;
                log::info!("reload: the new engine was checked on {frames} frames");
            }
            None => log::warn!("reload: the new engine is not checked: set engine.check_frames to a folder of frames"),
        }
        let Judgement { inspector, judge, .. } = judgement;
        Ok(Change::Engine { inspector: Box::new(inspector), judge: Arc::new(judge) })
    }

    /// Whether nothing differs but what a reload changes.
    fn is_alike(&self, station: &Station) -> bool {
        let (engine, regions) = (station.engine.clone(), station.regions.clone());
        *station == Station { engine, regions, ..self.station.clone() }
    }
}
