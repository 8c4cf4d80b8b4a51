use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::camera::CameraSource;
use super::check::{Problems, resolve};
use super::file::{ConfigError, FILE_BYTES_MAX, parse};
use super::recipe::Recipe;
use crate::text;

/// The file of a lesson that makes it a recipe of the station. It is written last.
pub const RECIPE: &str = "recipe.toml";
/// Names in the folder that are looked at: a folder of more is something else.
const NAMES_MAX: usize = 10_000;

/// `[teach]`: recipes that are taught at the station. If left out, none are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Teach {
    /// Folder of the lessons, each in a folder of its own. A lesson that was activated is a recipe of the station.
    pub folder: PathBuf,
}

impl Teach {
    /// The folder of the lesson for the recipe of this number, where the station itself collects parts for it.
    pub fn lesson(&self, number: u16) -> PathBuf {
        self.folder.join(number.to_string())
    }

    /// Whether a recipe was taught here.
    pub(super) fn has(&self, recipe: &Recipe) -> bool {
        recipe.engine.as_ref().is_some_and(|engine| engine.starts_with(&self.folder))
    }

    /// The recipes of the lessons that were activated, by their numbers.
    pub(super) fn recipes(&self) -> Result<Vec<Recipe>, ConfigError> {
        let invalid =
            |problem: String| ConfigError::Invalid { path: self.folder.display().to_string(), problems: vec![problem] };
        let entries = match std::fs::read_dir(&self.folder) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(|error| invalid(format!("teach.folder cannot be read: {error}")))?,
        };
        let mut recipes = Vec::new();
        for (number, entry) in entries.enumerate() {
            if number == NAMES_MAX {
                return Err(invalid(format!(
                    "teach.folder has more than {NAMES_MAX} entries: is it the right folder?"
                )));
            }
            let entry = entry.map_err(|error| invalid(format!("teach.folder cannot be read: {error}")))?;
            let path = entry.path().join(RECIPE);
            if path.is_file() {
                recipes.push(read(&path)?);
            }
        }
        recipes.sort_by_key(|recipe| recipe.number);
        Ok(recipes)
    }

    pub(super) fn check(&self, problems: &mut Problems) {
        problems.path("teach.folder", &self.folder);
    }

    pub(super) fn resolve(&mut self, folder: &Path) {
        resolve(&mut self.folder, folder);
    }
}

/// Reads the recipe of a lesson. Its paths start from the lesson's folder.
pub fn read(path: &Path) -> Result<Recipe, ConfigError> {
    let recipe: Recipe = parse(&text::read(path, FILE_BYTES_MAX)?, path)?;
    match problems(&recipe) {
        found if found.is_empty() => Ok(recipe.resolved(path.parent().unwrap_or(Path::new("")))),
        problems => Err(ConfigError::Invalid { path: path.display().to_string(), problems }),
    }
}

/// What is wrong with a recipe by itself, whatever station it is of.
pub fn problems(recipe: &Recipe) -> Vec<String> {
    let mut problems = Problems::default();
    recipe.check(&[], CameraSource::Replay, &mut problems);
    if let Some(scene) = &recipe.scene {
        scene.check(&mut problems);
    }
    if let Some(regions) = &recipe.regions {
        regions.check(&mut problems);
    }
    problems.found().to_vec()
}
