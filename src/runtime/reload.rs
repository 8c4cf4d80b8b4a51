//! What SIGHUP does: the configuration is read again, and what may change while parts are on the belt is changed.

use std::path::PathBuf;
use std::sync::Arc;

use thiserror::Error;

use super::inspection::Change;
use super::judgement::{Judge, Judgement, JudgementError};
use crate::config::{ConfigError, Station};
use crate::inspect::Inspector;
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
    /// What the engine in use judges by, but for the threshold.
    judge: Judge,
}

impl Reloader {
    pub fn new(path: PathBuf, station: Station, judge: Judge) -> Self {
        Self { path, station, judge }
    }

    /// Reads the configuration again. What is wrong with it changes nothing. `frame`: width and height of the
    /// camera's frames, which regions have to fit.
    pub fn reload(&mut self, frame: Option<(usize, usize)>) -> Result<Vec<Change>, ReloadError> {
        let station = Station::read(&self.path)?;
        let file = Engine::read(&station.engine.path)?;
        let mut regions = Regions::read(&station.regions)?.map(NetworkMask::new);
        if let (Some(regions), Some((width, height))) = (&mut regions, frame) {
            regions.fit(width, height)?;
        }
        let other_engine = file.content_sha256 != self.judge.engine_sha256
            || station.scene != self.station.scene
            || station.engine.backend != self.station.engine.backend
            || station.engine.precision != self.station.engine.precision;
        let (judge, changes) = if other_engine {
            let (mut inspector, judge) = read_engine(&station)?;
            inspector.replace_regions(regions);
            (judge.clone(), vec![Change::Engine { inspector: Box::new(inspector), judge: Arc::new(judge) }])
        } else {
            let own = file.metadata.calibration.map(|c| Thresholds { reject: c.threshold, review: c.review });
            let asked = station.engine.threshold.map(|reject| Thresholds { reject, review: station.engine.review });
            let Some(thresholds) = asked.or(own) else {
                return Err(JudgementError::NoThreshold { path: station.engine.path }.into());
            };
            let judge = Judge { thresholds, ..self.judge.clone() };
            (judge.clone(), vec![Change::Judge(Arc::new(judge)), Change::Regions(regions)])
        };
        if !self.is_alike(&station) {
            log::warn!(
                "reload: only [engine], [scene] and [regions] change while the station runs; the rest needs a restart"
            );
        }
        self.judge = judge;
        let Station { engine, scene, regions, .. } = station;
        (self.station.engine, self.station.scene, self.station.regions) = (engine, scene, regions);
        Ok(changes)
    }

    /// Another threshold, until the next reload.
    pub fn threshold(&self, reject: f32) -> Change {
        let thresholds = Thresholds { reject, review: None };
        Change::Judge(Arc::new(Judge { thresholds, ..self.judge.clone() }))
    }

    /// Whether nothing differs but what a reload changes.
    fn is_alike(&self, station: &Station) -> bool {
        let Station { engine, scene, regions, .. } = station.clone();
        *station == Station { engine, scene, regions, ..self.station.clone() }
    }
}

/// Another engine, which has been held to the check frames.
fn read_engine(station: &Station) -> Result<(Inspector, Judge), ReloadError> {
    let mut judgement = Judgement::of_station(station)?;
    match &station.engine.check_frames {
        Some(folder) => {
            let frames = judgement.check(folder)?;
            log::info!("reload: the new engine was checked on {frames} frames");
        }
        None => log::warn!("reload: the new engine is not checked: set engine.check_frames to a folder of frames"),
    }
    let Judgement { inspector, judge, .. } = judgement;
    Ok((inspector, judge))
}
