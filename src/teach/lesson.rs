//! The folder of one recipe that is being taught:
//!
//! ```text
//! LESSON/lesson.json                       what a person has said
//! LESSON/belt.toml, belt.png               what the survey measured and proposes
//! LESSON/{train,validation}/good/{rgb,xyz} the parts
//! LESSON/engine.safetensors                the engine that is being made; .state beside it while it is learnt
//! LESSON/scores.json, overlays/SET-NAME.png
//! LESSON/revision/                         what was made of it from reviewed parts, until a person decides
//! LESSON/recipe/CONTENT/                   what a station runs: engine, belt, check frames
//! LESSON/recipe.toml                       makes it a recipe of the station
//! ```
//!
//! How far a lesson is follows from these files alone, so that a sudden end cannot leave it wrong.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

use super::error::TeachError;
use super::subject::Subject;
use crate::calibration::StationCalibration;
use crate::collect::{Set, Sets};
use crate::config::scene::Scene;
use crate::config::teach::{self, RECIPE};
use crate::dataset::{DatasetError, Entry, Reading, mvtec3d};
use crate::files;
use crate::fit::state;
use crate::model::engine_file::Engine;
use crate::prepare::Preparation;
use crate::words::words;

const SUBJECT: &str = "lesson.json";

/// How far a lesson is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Parts are missing.
    Collecting,
    /// All parts are there, and no engine is.
    Collected,
    /// A fit was begun and not finished.
    Learning,
    /// There is an engine without a threshold.
    Learnt,
    /// The engine has its threshold.
    Calibrated,
    /// A station may go to it.
    Activated,
}

words!(serde State {
    Collecting = "collecting",
    Collected = "collected",
    Learning = "learning",
    Learnt = "learnt",
    Calibrated = "calibrated",
    Activated = "activated",
});

/// What only one process at a time does in a lesson.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// Adds parts.
    Collecting,
    /// Makes the engine.
    Steps,
}

/// One recipe that is being taught.
#[derive(Clone, Debug, PartialEq)]
pub struct Lesson {
    folder: PathBuf,
    pub subject: Subject,
}

impl Lesson {
    /// Begins a lesson in a folder that is made.
    pub fn create(folder: &Path, subject: Subject) -> Result<Self, TeachError> {
        if folder.join(SUBJECT).exists() {
            return Err(TeachError::Exists { folder: folder.into() });
        }
        files::make_folder(folder).map_err(TeachError::write(folder))?;
        let lesson = Self { folder: folder.into(), subject };
        lesson.write()?;
        Ok(lesson)
    }

    pub fn open(folder: &Path) -> Result<Self, TeachError> {
        let path = folder.join(SUBJECT);
        if !path.exists() {
            return Err(TeachError::NoLesson { folder: folder.into() });
        }
        Ok(Self { folder: folder.into(), subject: Subject::read(&path)? })
    }

    /// Writes what was changed of the subject.
    pub fn write(&self) -> Result<(), TeachError> {
        self.subject.write(&self.folder.join(SUBJECT))
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Keeps other processes from the same work until the file is dropped.
    pub fn lock(&self, work: Work) -> Result<File, TeachError> {
        let name = if work == Work::Collecting { ".collecting.lock" } else { ".steps.lock" };
        let path = self.folder.join(name);
        let file = File::create(&path).map_err(TeachError::write(&path))?;
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => Err(TeachError::Busy { folder: self.folder.clone() }),
            // Where a file system has no locks, nobody is kept away.
            Err(TryLockError::Error(_)) | Ok(()) => Ok(file),
        }
    }

    /// The folder of a set's parts.
    pub fn set(&self, set: Set) -> PathBuf {
        self.folder.join(set.name()).join("good")
    }

    /// The parts of a set.
    pub fn entries(&self, set: Set) -> Result<Vec<Entry>, TeachError> {
        let folder = self.set(set);
        let mut entries = match folder.is_dir() {
            true => mvtec3d::folder_entries(&folder, None)?,
            false => Vec::new(),
        };
        entries.iter_mut().for_each(|entry| entry.read_as(&Reading::default()));
        match entries.is_empty() {
            true => Err(TeachError::NoParts { folder: self.folder.clone(), set: set.name() }),
            false => Ok(entries),
        }
    }

    /// How many parts each set has.
    pub fn parts(&self) -> Result<[usize; 2], TeachError> {
        let count = |set| match self.entries(set) {
            Err(TeachError::NoParts { .. } | TeachError::Dataset(DatasetError::Empty { .. })) => Ok(0),
            entries => entries.map(|entries| entries.len()),
        };
        Ok([count(Set::Train)?, count(Set::Validation)?])
    }

    /// What collects the parts that are missing.
    pub fn collector(&self) -> Result<Sets, TeachError> {
        let [parts, validation] = self.parts()?;
        let missing = [self.subject.parts.saturating_sub(parts), self.subject.validation.saturating_sub(validation)];
        let folders = [self.set(Set::Train), self.set(Set::Validation)];
        let scene = self.preparation(&Preparation::default())?;
        Ok(Sets::open([&folders[0], &folders[1]], missing, self.surveyed()?.as_ref(), &scene)?)
    }

    pub fn belt(&self) -> PathBuf {
        self.folder.join("belt.toml")
    }

    /// What the survey measured, if there was one.
    pub fn surveyed(&self) -> Result<Option<StationCalibration>, TeachError> {
        let belt = self.belt();
        Ok(if belt.exists() { Some(StationCalibration::read(&belt)?) } else { None })
    }

    /// The scene that a person has chosen, or the one that the survey proposes; none where there is neither. Its paths are
    /// whole.
    pub fn scene(&self) -> Result<Option<Scene>, TeachError> {
        let chosen = self.subject.recipe().resolved(&self.folder).scene;
        match chosen {
            None if self.belt().exists() => Ok(Some(Scene::read(&self.belt())?)),
            chosen => Ok(chosen),
        }
    }

    /// `base` in the scene of the lesson.
    pub fn preparation(&self, base: &Preparation) -> Result<Preparation, TeachError> {
        Ok(self.scene()?.map_or_else(|| Ok(base.clone()), |scene| scene.prepare(base))?)
    }

    pub fn engine(&self) -> PathBuf {
        self.folder.join("engine.safetensors")
    }

    /// The state of a fit that was not finished.
    pub fn engine_state(&self) -> PathBuf {
        state::beside(&self.engine())
    }

    fn is_being_learnt(&self) -> bool {
        self.engine_state().exists()
    }

    /// The engine that was learnt, where it is one of the lesson's scene.
    pub fn candidate(&self) -> Result<Option<Engine>, TeachError> {
        if !self.engine().exists() {
            return Ok(None);
        }
        let engine = Engine::read(&self.engine())?;
        let own = &engine.metadata.preparation;
        let fits = engine.is_fitted() && self.preparation(own)? == *own;
        Ok(fits.then_some(engine))
    }

    /// The engine that was learnt.
    pub fn learnt(&self) -> Result<Engine, TeachError> {
        self.candidate()?.ok_or_else(|| TeachError::NotLearnt { folder: self.folder.clone() })
    }

    /// The engine that was learnt and has its threshold.
    pub fn calibrated(&self) -> Result<Engine, TeachError> {
        let engine = self.learnt()?;
        match engine.metadata.calibration {
            Some(_) => Ok(engine),
            None => Err(TeachError::NotCalibrated { folder: self.folder.clone() }),
        }
    }

    /// Where the recipe of a station is described.
    pub fn recipe(&self) -> PathBuf {
        self.folder.join(RECIPE)
    }

    /// The folder of what a station runs of the engine with this content hash.
    pub fn activated(&self, content_sha256: &str) -> PathBuf {
        self.folder.join("recipe").join(content_sha256.chars().take(16).collect::<String>())
    }

    fn is_activated(&self, engine: &Engine) -> Result<bool, TeachError> {
        if !self.recipe().exists() {
            return Ok(false);
        }
        let recipe = teach::read(&self.recipe())?;
        let folder = self.activated(&engine.content_sha256);
        let regions = self.subject.recipe().resolved(&self.folder).regions;
        let is_of = recipe.engine.is_some_and(|path| path.parent() == Some(&folder));
        Ok(is_of && recipe.number == self.subject.number && recipe.regions == regions)
    }

    /// How far the lesson is.
    pub fn state(&self) -> Result<State, TeachError> {
        let candidate = if self.is_being_learnt() { None } else { self.candidate()? };
        self.state_with(candidate.as_ref())
    }

    /// The same for whoever has read its [`Lesson::candidate`].
    pub fn state_with(&self, candidate: Option<&Engine>) -> Result<State, TeachError> {
        if self.is_being_learnt() {
            return Ok(State::Learning);
        }
        if let Some(engine) = candidate {
            return Ok(match engine.metadata.calibration {
                None => State::Learnt,
                Some(_) if self.is_activated(engine)? => State::Activated,
                Some(_) => State::Calibrated,
            });
        }
        let [parts, validation] = self.parts()?;
        let is_whole = parts >= self.subject.parts && validation >= self.subject.validation;
        Ok(if is_whole { State::Collected } else { State::Collecting })
    }
}
