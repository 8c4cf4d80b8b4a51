//! A recipe is made better by its reviewed parts: a new threshold for its engine, or a new engine. The recording is played
//! again with what comes of it, so that a person sees whose verdict changes before it is activated or discarded.

use std::path::{Path, PathBuf};

use super::calibrate::{self, FALSE_REJECT_RATE};
use super::error::TeachError;
use super::event::Observer;
use super::home::{in_recipe, is_at_home, read_station};
use super::learn;
use super::lesson::Lesson;
use super::revision::{FORMAT, How, Revision};
use super::settings::Settings;
use super::subject::{PARTS, Subject, VALIDATION};
use super::trial::{self, Trial};
use crate::collect::Set;
use crate::config::Station;
use crate::config::recipe::Recipe;
use crate::conformal::{Calibration, calibrate, supported_rate};
use crate::dataset::finding;
use crate::dataset::recording::PartRecord;
use crate::dataset::{Entry, Reading, frames_under};
use crate::fit::state;
use crate::inspect::Inspector;
use crate::model::engine_file::Engine;
use crate::review::{Gallery, Rates};
use crate::runtime::judgement::Judgement;

/// A station in the recipe whose parts were reviewed.
struct Reviewed {
    /// The configuration without a recipe, and where it is.
    base: Station,
    config: PathBuf,
    /// The same in the recipe.
    station: Station,
    /// The folder of its recording.
    folder: PathBuf,
    number: u16,
}

/// What was made, before it is played.
struct Made {
    engine: Engine,
    /// Of this engine.
    calibration: Calibration,
    recipe: Recipe,
    found_good: usize,
}

/// A lesson in which the recipe `of` of the station of a configuration can be revised, where there is none yet: it begins
/// with the scene and the regions in force. `number` and `name`: of the recipe that it becomes.
pub fn subject_of(config: &Path, of: u16, number: u16, name: Option<String>) -> Result<Subject, TeachError> {
    let station = in_recipe(&read_station(config)?.0, of)?;
    let own = station.recipes.iter().find(|recipe| recipe.number == number).map(|recipe| recipe.name.clone());
    let name = name.or(own).ok_or(TeachError::NoName { number })?;
    let mut subject = Subject::new(number, name, PARTS, VALIDATION);
    (subject.scene, subject.regions) = (station.scene, station.regions);
    Ok(subject)
}

/// Makes the revision of the lesson's recipe.
pub fn step(lesson: &Lesson, config: &Path, settings: &Settings, observe: &mut Observer) -> Result<String, TeachError> {
    let reviewed = Reviewed::read(lesson, config, settings.of.unwrap_or(lesson.subject.number))?;
    let (before, _) = reviewed.station.engine.read()?;
    let entries = reviewed.entries()?;
    let made = match settings.how {
        How::Recalibrate => recalibrated(lesson, &reviewed, before.clone(), settings, observe)?,
        How::Refit => refitted(lesson, &reviewed, &before, &entries, settings, observe)?,
    };
    let Made { mut engine, calibration, recipe, found_good } = made;
    engine.metadata.calibration = Some(calibration);
    lesson.begin_revision()?;
    let engine_sha256 = engine.write(&lesson.revised_engine())?;
    // Only now that the engine is written: a refit that was broken off goes on from one of the two.
    state::remove(&state::beside(&lesson.revised_engine()))?;
    let mut inspector = reviewed.inspector(lesson, &recipe)?;
    let played = trial::newest_and_reviewed(&entries)?;
    let trial = Trial::run(&mut inspector, &played, observe)?;
    trial.keep_check(lesson)?;
    let own = before.metadata.calibration.map(|calibration| calibration.threshold);
    let revision = Revision {
        format: FORMAT,
        how: settings.how,
        of: reviewed.number,
        before_sha256: before.content_sha256,
        engine_sha256,
        threshold_before: reviewed.station.engine.threshold.or(own),
        threshold: calibration.threshold,
        guarantee: calibration.guarantee(),
        found_good,
        recorded: entries.len(),
        replayed: played.len(),
        changed: trial.changed,
        recipe,
    };
    lesson.keep_revision(&revision)?;
    Ok(revision.told())
}

impl Revision {
    fn told(&self) -> String {
        let before = self.threshold_before.map_or("none".into(), |before| format!("{before:.6}"));
        format!(
            "threshold {:.6}, before {before}: {}; {} parts that were found good count; of {} parts that were inspected again {} get another verdict",
            self.threshold,
            self.guarantee,
            self.found_good,
            self.replayed,
            self.changed.len()
        )
    }
}

impl Reviewed {
    fn read(lesson: &Lesson, config: &Path, number: u16) -> Result<Self, TeachError> {
        let (base, config) = read_station(config)?;
        is_at_home(lesson, &base)?;
        let station = in_recipe(&base, number)?;
        let own = lesson.subject.number;
        let is_taken = base.recipes.iter().any(|recipe| recipe.number == own) || lesson.parts()? != [0, 0];
        if own != number && is_taken {
            return Err(TeachError::Taken { number: own });
        }
        let record = station.record.as_ref().ok_or_else(|| TeachError::NoRecording { config: config.clone() })?;
        let folder = record.folder.clone();
        Ok(Self { base, config, station, folder, number })
    }

    /// The recorded parts of the recipe, the oldest first.
    fn entries(&self) -> Result<Vec<Entry>, TeachError> {
        let mut entries = Vec::new();
        for entry in frames_under(&self.folder, &Reading::default())? {
            let record = PartRecord::beside(&entry.rgb)?;
            if record.is_some_and(|record| record.recipe.unwrap_or(0) == self.number) {
                entries.push(entry);
            }
        }
        match entries.is_empty() {
            true => Err(TeachError::NoneRecorded { number: self.number, folder: self.folder.clone() }),
            false => Ok(entries),
        }
    }

    /// What inspects with the engine of the revision as the station will.
    fn inspector(&self, lesson: &Lesson, recipe: &Recipe) -> Result<Inspector, TeachError> {
        let recipe = Recipe { engine: Some(lesson.revised_engine()), ..recipe.clone() };
        let number = recipe.number;
        let station = self.base.clone().taught(recipe, &self.config)?;
        let mut station = in_recipe(&station, number)?;
        // It was written by this step a moment ago; that it is signed is checked when it is activated.
        station.engine.keys = None;
        Ok(Judgement::from_station(&station)?.inspector)
    }
}

/// The engine in force with a new threshold.
fn recalibrated(
    lesson: &Lesson,
    reviewed: &Reviewed,
    mut engine: Engine,
    settings: &Settings,
    observe: &mut Observer,
) -> Result<Made, TeachError> {
    let station = &reviewed.station;
    let mut validation = Vec::new();
    if lesson.parts()?[1] > 0 {
        let mut inspector = Judgement::from_station(station)?.inspector;
        validation = calibrate::scores(lesson, &mut inspector, &engine.metadata.fitted_on, observe)?;
    }
    let rates = Rates { false_reject: rate(settings, &engine), review: None };
    let candidate = Gallery::open(&reviewed.folder)?.recalibrate(&engine, &validation, rates)?;
    let calibration = candidate.calibration;
    if let Some(scene) = &station.scene {
        engine.prepare_as(scene.prepare(&engine.metadata.preparation)?)?;
    }
    let regions = &station.regions;
    let recipe = Recipe {
        scene: station.scene.clone(),
        regions: (!regions.is_empty()).then(|| regions.clone()),
        // A review band ends at the threshold.
        review: station.engine.review.map(|review| review.min(calibration.threshold)),
        threshold_range: station.engine.threshold_range,
        ..Recipe::new(lesson.subject.number, lesson.subject.name.clone())
    };
    Ok(Made { engine, calibration, recipe, found_good: candidate.found })
}

/// A new engine, learnt from the lesson's parts and those that a person found good. Its threshold comes from the lesson's
/// parts for it, which it was not learnt from.
fn refitted(
    lesson: &Lesson,
    reviewed: &Reviewed,
    before: &Engine,
    entries: &[Entry],
    settings: &Settings,
    observe: &mut Observer,
) -> Result<Made, TeachError> {
    let good = finding::found_good(entries.to_vec())?;
    let found_good = good.len();
    let parts = [lesson.entries(Set::Train)?, good].concat();
    lesson.make_revision_folder()?;
    let (engine, _) = learn::learn(lesson, &parts, &lesson.revised_engine(), settings.epochs, observe)?;
    let mut inspector = Inspector::new(engine.clone())?;
    let scores = calibrate::scores(lesson, &mut inspector, &engine.metadata.fitted_on, observe)?;
    let rate = settings.false_reject_rate.unwrap_or_else(|| rate(settings, before).max(supported_rate(scores.len())));
    let calibration = calibrate(&scores, rate, None)?;
    let recipe = Recipe {
        scene: lesson.scene()?,
        threshold_range: reviewed.station.engine.threshold_range,
        ..lesson.subject.recipe().resolved(lesson.folder())
    };
    Ok(Made { engine, calibration, recipe, found_good })
}

/// The rate that was asked for, or the one that the engine in force was calibrated for.
fn rate(settings: &Settings, before: &Engine) -> f64 {
    let own = before.metadata.calibration.map(|calibration| calibration.false_reject_rate);
    settings.false_reject_rate.or(own).unwrap_or(FALSE_REJECT_RATE)
}
