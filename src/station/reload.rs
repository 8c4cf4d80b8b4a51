//! Reads the configuration again, sets a threshold, or goes to another recipe, as SIGHUP, the live page and other machines
//! ask for. Only what may change while parts are on the belt is changed. A change that loosens the verdict has to be
//! confirmed on the page, and is logged.

use std::collections::BTreeMap;
use std::path::PathBuf;

use log::Level;
use thiserror::Error;

use crate::calibration::CalibrationError;
use crate::config::scene::Scene;
use crate::config::trigger::TriggerSource;
use crate::config::{ConfigError, Station};
use crate::model::engine_file::EngineError;
use crate::people::AccountsError;
use crate::plan::Plan;
use crate::prepare::Preparation;
use crate::regions::{Misfit, NetworkMask, Regions, RegionsError};
use crate::runtime::camera::opener;
use crate::runtime::change::{CaptureChange, Change, Flush};
use crate::runtime::judge::{InForce, Judge, ThresholdRefusal};
use crate::runtime::judgement::{self, Judgement, JudgementError};
use crate::runtime::last_run::Kept;
use crate::runtime::log_limit::LogLimit;
use crate::runtime::recipe::{Preparing, Ready, Roster, checked};

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
    #[error("the configuration has no recipe {number}: it has {known}")]
    NoRecipe { number: u16, known: String },
    #[error("recipe {number} is in force, which the configuration does not have any more: go to another recipe first")]
    RecipeRemoved { number: u16 },
    #[error(transparent)]
    Accounts(#[from] AccountsError),
    #[error(transparent)]
    Camera(#[from] CalibrationError),
    #[error("the engine of the recipe cannot be read in a thread of its own: {0}")]
    Thread(std::io::Error),
}

/// The configuration in use.
pub struct Reloader {
    path: PathBuf,
    /// As it was read, and with the recipe in force.
    base: Station,
    station: Station,
    /// The judge in force, including changes that are still on their way.
    judge: Judge,
    /// Shown on the page.
    roster: Roster,
    /// What was in force when each recipe was left.
    left: BTreeMap<u16, InForce>,
    /// Limits how often it is logged that a threshold from the page stays in force.
    reminders: LogLimit,
}

impl Reloader {
    /// `base`: the configuration as it was read; `station`: the same with the recipe in force.
    pub fn new(path: PathBuf, base: Station, station: Station, judge: Judge, kept: Kept) -> Self {
        let roster = Roster::default();
        roster.read(&base);
        Self { path, base, station, judge, roster, left: kept.in_force, reminders: LogLimit::default() }
    }

    /// The recipe in force, and the thresholds of each, as they are kept for the next run.
    pub fn kept(&self) -> Kept {
        let mut in_force = self.left.clone();
        in_force.insert(self.judge.recipe, self.judge.in_force());
        Kept { recipe: self.judge.recipe, in_force }
    }

    /// The recipes that may be asked for.
    pub fn roster(&self) -> Roster {
        self.roster.clone()
    }

    /// The hash of the configuration that was read last.
    pub fn configuration_sha256(&self) -> &str {
        self.base.sha256.digits()
    }

    /// The judge in force after the last change.
    pub fn judge(&self) -> &Judge {
        &self.judge
    }

    /// Reads the configuration again. An error changes nothing. A change that may loosen the verdict is an error unless
    /// `may_loosen`. `frame`: width and height of the camera's frames, which regions have to fit.
    pub fn reload(&mut self, frame: Option<(usize, usize)>, may_loosen: bool) -> Result<Change, ReloadError> {
        let base = Station::read(&self.path)?;
        let number = self.station.active_recipe;
        // A station that judges by [engine] goes on with it, also where recipes were taught meanwhile.
        let station = match number {
            0 => base.clone(),
            number => base.in_recipe(number).ok_or(ReloadError::RecipeRemoved { number })?,
        };
        if self.judge.is_untaught() && station.is_untaught() {
            (self.base, self.station) = (merged(base, &self.base), merged(station, &self.station));
            self.roster.read(&self.base);
            return Ok(Change { is_reload: true, ..Change::default() });
        }
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
            let Judgement { mut inspector, judge, preparation } = checked(&station, "reload")?;
            inspector.replace_regions(regions);
            let change = Change { inspector: Some(Box::new(inspector)), ..Change::default() };
            // Parts are found in another place, so that those in view might be announced twice or not at all.
            let finds_otherwise = station.scene != self.station.scene && station.trigger.source == TriggerSource::Free;
            let change = match finds_otherwise {
                true => self.flushed(change, &merged(station.clone(), &self.station), &preparation)?,
                false => change,
            };
            (judge.following(&before), change)
        } else {
            let own = file.metadata.calibration.map(|calibration| calibration.thresholds());
            let (thresholds, range) = judgement::thresholds(&station.engine, own)?;
            let calibration = file.metadata.calibration;
            let judge = Judge { thresholds, configured: thresholds, range, calibration, ..self.judge.clone() };
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
                "reload: only [engine], [scene], [regions] and [[recipe]] change while the station runs; the rest needs a restart"
            );
        }
        change.judge = Some(judge.clone().into());
        (change.is_reload, change.loosens) = (true, !loosens.is_empty());
        self.judge = judge;
        (self.base, self.station) = (merged(base, &self.base), merged(station, &self.station));
        self.roster.read(&self.base);
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

    /// Begins to read and check the engine of another recipe. The station goes on meanwhile.
    pub fn prepare(&self, number: u16) -> Result<Preparing, ReloadError> {
        let station = self.base.in_recipe(number).ok_or_else(|| ReloadError::NoRecipe {
            number,
            known: match self.base.recipes.is_empty() {
                true => "none".into(),
                false => {
                    self.base.recipes.iter().map(|recipe| recipe.number.to_string()).collect::<Vec<_>>().join(", ")
                }
            },
        })?;
        Preparing::start(station).map_err(ReloadError::Thread)
    }

    /// Goes to another recipe, whose engine was checked. Every other recipe is configured, so that nothing has to be
    /// confirmed; what may be judged more mildly is logged.
    pub fn adopt(&mut self, ready: Ready) -> Result<Change, ReloadError> {
        let Ready { station, inspector, judge, preparation } = ready;
        let before = self.judge.in_force();
        let judge = match self.left.get(&judge.recipe) {
            Some(left) => judge.following(left),
            None => judge,
        };
        let change = Change { inspector: Some(inspector), judge: Some(judge.clone().into()), ..Change::default() };
        let change = self.flushed(change, &station, &preparation)?;
        log::warn!(
            "recipe {} takes over from {}: parts are rejected above {}",
            judge.recipe,
            self.judge.recipe,
            judge.thresholds
        );
        self.left.insert(self.judge.recipe, before);
        (self.station, self.judge) = (station, judge);
        Ok(change)
    }

    /// The change with a flush of the belt, for a `station` that finds or judges parts otherwise from now on.
    fn flushed(
        &self,
        change: Change,
        station: &Station,
        preparation: &Preparation,
    ) -> Result<Change, CalibrationError> {
        let plan = Plan::from(station);
        let other_camera = station.camera != self.station.camera;
        let opener = other_camera.then(|| opener(&station.camera, station.engine.backend)).transpose()?;
        let capture = CaptureChange::new(plan.runtime.announced, preparation, opener);
        let flush = Flush { reject: plan.reject.product(), capture };
        Ok(Change { timing: Some(plan.runtime.timing), flush: Some(Box::new(flush)), ..change })
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
        *station == merged(station.clone(), &self.station)
    }
}

/// The sections of `station` that change while a station runs, with the rest of `old`.
fn merged(station: Station, old: &Station) -> Station {
    let Station { engine, scene, regions, recipes, active_recipe, sha256, .. } = station;
    Station { engine, scene, regions, recipes, active_recipe, sha256, ..old.clone() }
}
