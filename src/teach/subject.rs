//! What a lesson is about, as a person has said it: `lesson.json`.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::error::TeachError;
use super::file;
use crate::config::recipe::Recipe;
use crate::config::regions::Regions;
use crate::config::scene::Scene;
use crate::config::teach;

/// The version of the file.
pub const FORMAT: u32 = 1;
/// It holds some lines, and regions of some thousand corners at the most.
const BYTES_MAX: u64 = 4 << 20;
/// Parts of one set: more do not make an engine better, and fill the disk.
const PARTS_MAX: usize = 10_000;

/// What a lesson collects if nothing else is asked for.
pub const PARTS: usize = 16;
pub const VALIDATION: usize = 12;

/// What a lesson is about.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Subject {
    format: u32,
    /// The number and the name of the recipe.
    pub number: u16,
    pub name: String,
    /// Good parts to learn from, and good parts for the threshold.
    pub parts: usize,
    pub validation: usize,
    /// What is taken for the part, where a person has chosen it; otherwise what the survey proposes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scene: Option<Scene>,
    /// Where defects count.
    #[serde(default, skip_serializing_if = "Regions::is_empty")]
    pub regions: Regions,
}

impl Subject {
    /// A recipe of this number and name. `parts` and `validation`: how many parts to learn from, and for the threshold.
    pub fn new(number: u16, name: String, parts: usize, validation: usize) -> Self {
        Self { format: FORMAT, number, name, parts, validation, scene: None, regions: Regions::default() }
    }

    pub(super) fn read(path: &Path) -> Result<Self, TeachError> {
        let subject: Self = file::read(path, BYTES_MAX, FORMAT, "lesson")?;
        subject.check(path)?;
        Ok(subject)
    }

    pub(super) fn write(&self, path: &Path) -> Result<(), TeachError> {
        self.check(path)?;
        file::write(path, self)
    }

    /// The recipe that it is to become, as far as it is known. Its paths start from the lesson's folder.
    pub(super) fn recipe(&self) -> Recipe {
        Recipe {
            scene: self.scene.clone(),
            regions: (!self.regions.is_empty()).then(|| self.regions.clone()),
            ..Recipe::new(self.number, self.name.clone())
        }
    }

    fn check(&self, path: &Path) -> Result<(), TeachError> {
        let mut problems = teach::problems(&self.recipe());
        for (name, parts) in [("parts", self.parts), ("validation", self.validation)] {
            if !(1..=PARTS_MAX).contains(&parts) {
                problems.push(format!("{name} is {parts} where 1 to {PARTS_MAX} is expected"));
            }
        }
        match problems.is_empty() {
            true => Ok(()),
            false => Err(TeachError::Invalid { path: path.into(), reason: problems.join("; ") }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::regions::Area;

    fn refused(text: &str) -> String {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lesson.json");
        std::fs::write(&path, text).unwrap();
        Subject::read(&path).unwrap_err().to_string()
    }

    #[test]
    fn what_was_written_is_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lesson.json");
        let mut subject = Subject::new(3, "flange".into(), 16, 12);
        for regions in [0, 1] {
            if regions == 1 {
                let corners = vec![[1.0, 2.0], [30.0, 2.0], [30.0, 40.5]];
                subject.regions.ignore = vec![Area { polygon: Some(corners), mask: None }];
                subject.scene = Some(Scene::default());
            }
            subject.write(&path).unwrap();
            assert_eq!(Subject::read(&path).unwrap(), subject);
        }
        subject.number = 0;
        assert!(subject.write(&path).unwrap_err().to_string().contains("recipe.number is 0"));
        assert_eq!(Subject::read(&path).unwrap().number, 3);
    }

    #[test]
    fn what_is_no_lesson_is_refused_with_the_reason() {
        for (text, words) in [
            ("{", "EOF"),
            ("{}", "no format"),
            ("{\"format\": 2}", "format 2 where 1 is expected"),
            ("{\"format\": 1}", "missing field"),
            (
                "{\"format\": 1, \"number\": 1, \"name\": \"a\", \"parts\": 1, \"validation\": 1, \"x\": 1}",
                "unknown field",
            ),
            ("{\"format\": 1, \"number\": 1, \"name\": \"\", \"parts\": 1, \"validation\": 1}", "recipe.name"),
            (
                "{\"format\": 1, \"number\": 1, \"name\": \"a\", \"parts\": 0, \"validation\": 10001}",
                "validation is 10001",
            ),
        ] {
            let error = refused(text);
            assert!(error.contains(words) && error.contains("lesson.json"), "{text}: {error}");
        }
        assert!(refused(&" ".repeat(BYTES_MAX as usize + 1)).contains("more than the"));
    }
}
