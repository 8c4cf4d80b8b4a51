//! Reads the configuration again, or sets a threshold, as SIGHUP and the live page ask for. Only what may change while
//! parts are on the belt is changed. A change that loosens the verdict has to be confirmed on the page, and is logged.

use std::path::PathBuf;

use log::Level;
use thiserror::Error;

use super::change::Change;
use super::judge::{Judge, ThresholdRefusal};
use super::judgement::{self, Judgement, JudgementError};
use super::log_limit::LogLimit;
use crate::config::scene::Scene;
use crate::config::{ConfigError, Station};
use crate::inspect::Inspector;
use crate::model::engine_file::EngineError;
use crate::regions::{Misfit, NetworkMask, Regions, RegionsError};

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
    #[error("this may loosen the verdict: {0}; confirm it")]
    Loosens(String),
}

/// The configuration in use.
pub struct Reloader {
    path: PathBuf,
    station: Station,
    /// The judge in force, including changes that are still on their way.
    judge: Judge,
    /// Limits how often it is logged that a threshold from the page stays in force.
    reminders: LogLimit,
}

impl Reloader {
    pub fn new(path: PathBuf, station: Station, judge: Judge) -> Self {
        Self { path, station, judge, reminders: LogLimit::default() }
    }

    /// The judge in force after the last change.
    pub fn judge(&self) -> &Judge {
        &self.judge
    }

    /// Reads the configuration again. An error changes nothing. A change that may loosen the verdict is an error unless
    /// `may_loosen`. `frame`: width and height of the camera's frames, which regions have to fit.
    pub fn reload(&mut self, frame: Option<(usize, usize)>, may_loosen: bool) -> Result<Change, ReloadError> {
        let station = Station::read(&self.path)?;
        let (file, _) = station.engine.read()?;
        let mut regions = Regions::read(&station.regions)?.map(NetworkMask::new);
        if let (Some(regions), Some((width, height))) = (&mut regions, frame) {
            regions.fit(width, height)?;
        }
        let other_engine = file.content_sha256 != self.judge.engine_sha256
            || station.scene != self.station.scene
            || station.engine.backend != self.station.engine.backend
            || station.engine.precision != self.station.engine.precision;
        let before = self.judge.in_force();
        let (judge, mut change) = if other_engine {
            let (mut inspector, judge) = read_engine(&station)?;
            inspector.replace_regions(regions);
            (judge.following(&before), Change { inspector: Some(Box::new(inspector)), ..Change::default() })
        } else {
            let own = file.metadata.calibration.map(|calibration| calibration.thresholds());
            let (thresholds, range) = judgement::thresholds(&station.engine, own)?;
            let judge = Judge { thresholds, configured: thresholds, range, ..self.judge.clone() };
            (judge.following(&before), Change { regions: Some(regions), ..Change::default() })
        };
        let loosens = self.loosens(&station, &judge);
        if !loosens.is_empty() && !may_loosen {
            return Err(ReloadError::Loosens(loosens.join("; ")));
        }
        for how in &loosens {
            log::warn!("reload: {how}");
        }
        if judge.is_overridden() {
            let (now, configured) = (judge.thresholds, judge.configured);
            self.reminders.say(Level::Warn, || {
                format!("reload: the threshold {now}, set on the page, stays in place of the configured {configured}")
            });
        }
        if !self.is_alike(&station) {
            log::warn!(
                "reload: only [engine], [scene] and [regions] change while the station runs; the rest needs a restart"
            );
        }
        change.judge = Some(judge.clone().into());
        (change.is_reload, change.loosens) = (true, !loosens.is_empty());
        self.judge = judge;
        let Station { engine, scene, regions, .. } = station;
        (self.station.engine, self.station.scene, self.station.regions) = (engine, scene, regions);
        Ok(change)
    }

    /// Sets another threshold, which holds until another is set or configured. The review band stays.
    pub fn threshold(&mut self, reject: f32, may_loosen: bool) -> Result<Change, ThresholdRefusal> {
        let before = self.judge.in_force();
        self.judge = self.judge.set(reject, may_loosen)?;
        let loosens = self.judge.loosens(&before);
        if let Some(how) = &loosens {
            log::warn!("set on the page and confirmed: {how}");
        }
        Ok(Change { loosens: loosens.is_some(), ..Change::from_judge(self.judge.clone()) })
    }

    /// Every reason why a part may pass that would not have passed before.
    fn loosens(&self, station: &Station, judge: &Judge) -> Vec<String> {
        let old = &self.station;
        let mut how: Vec<String> = judge.loosens(&self.judge.in_force()).into_iter().collect();
        let mut other = |differs: bool, what: &str| {
            if differs {
                how.push(what.into());
            }
        };
        let rejects_doubtful = |station: &Station| station.scene.as_ref().is_some_and(Scene::rejects_doubtful);
        other(rejects_doubtful(old) && !rejects_doubtful(station), "doubtful parts are no longer rejected");
        other(old.scene != station.scene, "[scene] is another: something else may be taken for the part");
        other(old.regions != station.regions, "[regions] are others: defects count elsewhere");
        other(old.engine.keys != station.engine.keys, "engine.keys are others: engines of another origin are taken");
        other(old.engine.precision != station.engine.precision, "engine.precision is another: scores move a little");
        how
    }

    /// Whether the configuration differs at most in the sections that a reload changes.
    fn is_alike(&self, station: &Station) -> bool {
        let Station { engine, scene, regions, .. } = station.clone();
        *station == Station { engine, scene, regions, ..self.station.clone() }
    }
}

/// Reads another engine, and checks it on the check frames.
fn read_engine(station: &Station) -> Result<(Inspector, Judge), ReloadError> {
    let mut judgement = Judgement::from_station(station)?;
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
