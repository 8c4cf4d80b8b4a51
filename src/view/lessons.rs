//! The lessons of a station: what the page shows of them, and the one process that works on one of them.

use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard};

use axum::http::StatusCode;
use serde::Serialize;

use super::answer::Refused;
use crate::config::teach::Teach;
use crate::locked::locked;
use crate::teach::{
    Child, Course, Courses, Lesson, Options, Settings, State, Status, Step, Subject, TeachError, revise,
};

/// What a station is taught by.
pub struct Lessons {
    pub config: Teach,
    /// The configuration of the station, which is to have the recipes.
    pub configuration: PathBuf,
    pub courses: Courses,
    working: Mutex<Option<Working>>,
}

/// The process that works on a lesson.
struct Working {
    number: u16,
    child: Child,
}

/// What the page shows of all lessons.
#[derive(Serialize)]
pub struct All {
    lessons: Vec<Named>,
    collecting: Course,
    working: Option<Told>,
}

#[derive(Serialize)]
struct Named {
    number: u16,
    name: String,
    /// Whether a revision waits for a person.
    is_revised: bool,
}

/// How the process does.
#[derive(Serialize)]
struct Told {
    number: u16,
    status: Status,
}

/// What the page shows of one lesson.
#[derive(Serialize)]
pub struct Shown {
    subject: Subject,
    state: State,
    /// Parts that it has to learn from, and for the threshold.
    parts: [usize; 2],
    threshold: Option<f32>,
    /// What the threshold guarantees, in words.
    guarantee: Option<String>,
}

impl From<TeachError> for Refused {
    fn from(error: TeachError) -> Self {
        let status = match error {
            TeachError::NoLesson { .. } | TeachError::NoRevision { .. } => StatusCode::NOT_FOUND,
            TeachError::Exists { .. } | TeachError::Busy { .. } | TeachError::Taken { .. } => StatusCode::CONFLICT,
            _ => StatusCode::UNPROCESSABLE_ENTITY,
        };
        Self::new(status, error.to_string())
    }
}

impl Lessons {
    pub fn new(config: Teach, configuration: PathBuf, courses: Courses) -> Self {
        Self { config, configuration, courses, working: Mutex::default() }
    }

    pub fn all(&self) -> All {
        let working = self.working();
        let told = |working: &Working| Told { number: working.number, status: working.child.status() };
        All { lessons: self.named(), collecting: self.courses.now(), working: working.as_ref().map(told) }
    }

    /// Those that the page can go on with, by their numbers: others were begun by the command under another name.
    fn named(&self) -> Vec<Named> {
        let folders = std::fs::read_dir(&self.config.folder).into_iter().flatten().flatten();
        let numbers = folders.filter_map(|folder| folder.file_name().to_str()?.parse::<u16>().ok());
        let named = |number| {
            let lesson = self.open(number).ok()?;
            Some(Named { number, is_revised: lesson.is_revised(), name: lesson.subject.name })
        };
        let mut named: Vec<Named> = numbers.filter_map(named).collect();
        named.sort_by_key(|lesson| lesson.number);
        named
    }

    pub fn open(&self, number: u16) -> Result<Lesson, TeachError> {
        Lesson::open(&self.config.lesson(number))
    }

    /// Begins a lesson in which the recipe `of` can be revised, where there is none of this number. `name`: of the recipe that
    /// it becomes; its own where it has one.
    pub fn begin_to_revise(&self, number: u16, of: u16, name: Option<String>) -> Result<(), TeachError> {
        match self.open(number) {
            Err(TeachError::NoLesson { .. }) => {}
            opened => return opened.map(drop),
        }
        let subject = revise::subject_of(&self.configuration, of, number, name)?;
        Lesson::create(&self.config.lesson(number), subject).map(drop)
    }

    pub fn show(&self, number: u16) -> Result<Shown, TeachError> {
        let lesson = self.open(number)?;
        let candidate = lesson.candidate()?;
        let (state, parts) = (lesson.state_with(candidate.as_ref())?, lesson.parts()?);
        let calibration = candidate.and_then(|engine| engine.metadata.calibration);
        Ok(Shown {
            subject: lesson.subject,
            state,
            parts,
            threshold: calibration.map(|calibration| calibration.threshold),
            guarantee: calibration.map(|calibration| calibration.guarantee()),
        })
    }

    /// Starts the process that does a step, or all that are not done yet. One works at a time: it takes a core for minutes.
    pub fn work(&self, number: u16, step: Option<Step>, settings: Settings) -> Result<(), Refused> {
        let lesson = self.open(number)?;
        let mut working = self.working();
        if let Some(other) = working.as_ref().filter(|other| !other.child.status().ended) {
            let why = format!("the lesson of recipe {} is worked on: wait for it, or cancel it", other.number);
            return Err(Refused::new(StatusCode::CONFLICT, why));
        }
        let child = Child::start(lesson.folder().into(), Options { step, settings, ..Options::default() }).map_err(
            |error| {
                Refused::new(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    format!("cannot start the process that learns: {error}"),
                )
            },
        )?;
        *working = Some(Working { number, child });
        Ok(())
    }

    /// Does the same with a step that needs the station's configuration alone.
    pub fn work_for_station(&self, number: u16, step: Step) -> Result<(), Refused> {
        let config = Some(self.configuration.clone());
        self.work(number, Some(step), Settings { config, ..Settings::default() })
    }

    /// Asks the process to end; the lesson can go on from where it is.
    pub fn cancel(&self) {
        if let Some(working) = &*self.working() {
            working.child.cancel();
        }
    }

    fn working(&self) -> MutexGuard<'_, Option<Working>> {
        locked(&self.working)
    }
}
