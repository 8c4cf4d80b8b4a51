//! What was made of a recipe from its reviewed parts, until a person activates or discards it:
//!
//! ```text
//! LESSON/revision/engine.safetensors          the new engine
//! LESSON/revision/check/{rgb,xyz,verdict,finding}  recorded parts that it was found to pass
//! LESSON/revision/revision.json               what a person should know of it; written last
//! ```

use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::error::TeachError;
use super::file;
use super::lesson::Lesson;
use crate::config::recipe::Recipe;
use crate::files;
use crate::review::Changed;
use crate::words::words;

/// The version of `revision.json`.
pub const FORMAT: u32 = 1;
/// A part whose verdict changes has some 200 bytes.
const BYTES_MAX: u64 = 4 << 20;

/// What is made anew of a recipe.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum How {
    /// The threshold; the engine stays.
    #[default]
    Recalibrate,
    /// The engine: it is learnt again, from the lesson's parts and those that a person found good, and calibrated.
    Refit,
}

words!(serde How {
    Recalibrate = "recalibrate",
    Refit = "refit",
});

/// `revision.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Revision {
    pub format: u32,
    pub how: How,
    /// The number of the recipe whose parts were reviewed; 0 where they are those of `[engine]`.
    pub of: u16,
    /// The content hashes of the engine that judged them, and of the new one.
    pub before_sha256: String,
    pub engine_sha256: String,
    /// A score above it rejects: by the engine that judged them, and by the new one.
    pub threshold_before: Option<f32>,
    pub threshold: f32,
    /// What the new threshold guarantees, in words.
    pub guarantee: String,
    /// Parts that a person found good and that it comes from.
    pub found_good: usize,
    /// Parts that are recorded of the recipe, and those of them that the new engine inspected again.
    pub recorded: usize,
    pub replayed: usize,
    /// Those that get another verdict than the one that was recorded.
    pub changed: Vec<Changed>,
    /// The recipe that it becomes, whose engine and check frames are those beside this file. Its paths are whole.
    pub recipe: Recipe,
}

impl Lesson {
    fn revision_folder(&self) -> PathBuf {
        self.folder().join("revision")
    }

    fn revision_file(&self) -> PathBuf {
        self.revision_folder().join("revision.json")
    }

    /// The engine of the revision.
    pub fn revised_engine(&self) -> PathBuf {
        self.revision_folder().join("engine.safetensors")
    }

    /// The folder of the parts that the revision is checked on.
    pub fn revised_check(&self) -> PathBuf {
        self.revision_folder().join("check")
    }

    /// Whether a revision waits for a person.
    pub fn is_revised(&self) -> bool {
        self.revision_file().exists()
    }

    /// The revision that waits for a person; none where there is none.
    pub fn revision(&self) -> Result<Option<Revision>, TeachError> {
        match self.is_revised() {
            true => file::read(&self.revision_file(), BYTES_MAX, FORMAT, "revision").map(Some),
            false => Ok(None),
        }
    }

    /// Keeps a revision, whose other files are there.
    pub(super) fn keep_revision(&self, revision: &Revision) -> Result<(), TeachError> {
        file::write(&self.revision_file(), revision)
    }

    /// Withdraws the revision, if there is one, before the files of another are written.
    pub(super) fn begin_revision(&self) -> Result<(), TeachError> {
        self.withdraw_revision()?;
        self.make_revision_folder()
    }

    pub(super) fn make_revision_folder(&self) -> Result<(), TeachError> {
        let folder = self.revision_folder();
        files::make_folder(&folder).map_err(TeachError::write(&folder))
    }

    fn withdraw_revision(&self) -> Result<(), TeachError> {
        if !self.is_revised() {
            return Ok(());
        }
        let path = self.revision_file();
        files::remove(&path).map_err(TeachError::write(&path))
    }

    /// Removes the revision with all its files, if there is one. What says that it is there goes first.
    pub fn discard_revision(&self) -> Result<(), TeachError> {
        self.withdraw_revision()?;
        remove_folder(&self.revision_folder())
    }

    /// The empty folder of the parts that a new revision is checked on.
    pub(super) fn new_check(&self) -> Result<PathBuf, TeachError> {
        let folder = self.revised_check();
        remove_folder(&folder)?;
        files::make_folder(&folder).map_err(TeachError::write(&folder))?;
        Ok(folder)
    }
}

fn remove_folder(folder: &Path) -> Result<(), TeachError> {
    match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed.map_err(TeachError::write(folder)),
    }
}
