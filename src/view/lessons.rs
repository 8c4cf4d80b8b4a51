//! The lessons of a station: what the page shows of them, and the one process that works on one of them.

use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard};

use axum::http::StatusCode;
use serde::Serialize;

use super::answer::Refused;
use crate::config::teach::Teach;
use crate::locked::locked;
use crate::teach::{Child, Course, Courses, Lesson, Options, State, Status, Subject, TeachError};

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
            TeachError::NoLesson { .. } => StatusCode::NOT_FOUND,
            TeachError::Exists { .. } | TeachError::Busy { .. } => StatusCode::CONFLICT,
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
        let mut named: Vec<Named> =
            numbers.filter_map(|number| Some(Named { number, name: self.open(number).ok()?.subject.name })).collect();
        named.sort_by_key(|lesson| lesson.number);
        named
    }

    pub fn open(&self, number: u16) -> Result<Lesson, TeachError> {
        Lesson::open(&self.config.lesson(number))
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

    /// Starts the process that does the steps. One works at a time: it takes a core for minutes.
    pub fn work(&self, number: u16, options: Options) -> Result<(), Refused> {
        let lesson = self.open(number)?;
        let mut working = self.working();
        if let Some(other) = working.as_ref().filter(|other| !other.child.status().ended) {
            let why = format!("the lesson of recipe {} is worked on: wait for it, or cancel it", other.number);
            return Err(Refused::new(StatusCode::CONFLICT, why));
        }
        let child = Child::start(lesson.folder().into(), options).map_err(|error| {
            Refused::new(StatusCode::INTERNAL_SERVER_ERROR, format!("cannot start the process that learns: {error}"))
        })?;
        *working = Some(Working { number, child });
        Ok(())
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
