//! The station that a lesson belongs to.

use std::path::{Path, PathBuf};

use super::error::TeachError;
use super::lesson::Lesson;
use crate::config::Station;

/// Refuses a lesson that the station would not find.
pub fn is_at_home(lesson: &Lesson, station: &Station) -> Result<(), TeachError> {
    let whole = |path: &Path| path.canonicalize().ok();
    let home = station.teach.as_ref().map(|teach| teach.folder.as_path());
    let own = whole(lesson.folder()).and_then(|folder| folder.parent().map(Path::to_path_buf));
    match home.and_then(whole) {
        Some(home) if own.as_ref() == Some(&home) => Ok(()),
        _ => Err(TeachError::Elsewhere {
            folder: lesson.folder().into(),
            configured: home.map_or_else(|| "no [teach]".into(), |home| home.display().to_string()),
        }),
    }
}

/// The station with the recipe of a number in force, or as it is with 0.
pub fn in_recipe(station: &Station, number: u16) -> Result<Station, TeachError> {
    match number {
        0 => Ok(station.clone()),
        _ => station.in_recipe(number).ok_or(TeachError::NoRecipe { number }),
    }
}

/// The station of a configuration, and where that is. All paths are whole: a lesson keeps some of them.
pub fn read_station(config: &Path) -> Result<(Station, PathBuf), TeachError> {
    let config = std::path::absolute(config).map_err(|source| TeachError::Read { path: config.into(), source })?;
    Ok((Station::read(&config)?, config))
}
