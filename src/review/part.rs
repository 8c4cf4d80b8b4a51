//! One recorded part, by its files.

use std::fs;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use super::error::ReviewError;
use crate::dataset::finding::{self, Finding};
use crate::dataset::recording::{self, PartRecord};
use crate::dataset::{DatasetError, Entry, Reading, mvtec3d};
use crate::files::{self, Temporary};
use crate::score::Verdict;

/// The largest file of a mask that is taken; one of the largest frame with soft edges has less.
pub const MASK_BYTES_MAX: usize = 32 << 20;
/// As much of a wrong name as a person needs to recognise it.
const NAME_SHOWN: usize = 60;

/// A recorded part whose record was there when it was looked for.
#[derive(Clone, Debug)]
pub struct RecordedPart {
    /// The folder of its verdict, with a folder for each kind of file.
    folder: PathBuf,
    name: String,
}

/// Refuses what a station does not call a part, and with it every path that leads elsewhere.
pub fn check_name(name: &str) -> Result<(), ReviewError> {
    if recording::is_name(name) {
        return Ok(());
    }
    Err(ReviewError::Name { found: name.chars().take(NAME_SHOWN).collect() })
}

impl RecordedPart {
    /// The part of this name in the folder of verdicts `test`.
    pub fn find(test: &Path, name: &str) -> Result<Self, ReviewError> {
        check_name(name)?;
        let of = |verdict| Self { folder: test.join(recording::folder_of(verdict)), name: name.into() };
        let found = Verdict::ALL.into_iter().map(of).find(Self::is_there);
        found.ok_or_else(|| ReviewError::NoPart { name: name.into() })
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its file in one of the folders.
    pub fn file(&self, folder: &str, extension: &str) -> PathBuf {
        self.folder.join(folder).join(format!("{}.{extension}", self.name))
    }

    fn is_there(&self) -> bool {
        self.file(recording::FOLDER, "json").exists()
    }

    pub fn record(&self) -> Result<PartRecord, ReviewError> {
        PartRecord::read(&self.file(recording::FOLDER, "json"))?
            .ok_or_else(|| ReviewError::NoPart { name: self.name.clone() })
    }

    pub fn finding(&self) -> Result<Option<Finding>, ReviewError> {
        Ok(Finding::read(&self.file(finding::FOLDER, "json"))?)
    }

    /// Its frame and mask.
    pub(super) fn entry(&self) -> Entry {
        let truth = Some(self.file("gt", "png")).filter(|path| path.exists());
        let (rgb, xyz) = (self.file("rgb", "png"), self.file("xyz", "tiff"));
        Entry { name: self.name.clone(), defect: None, rgb, xyz, truth, reading: Reading::default() }
    }

    /// An error of one of its files; that the part is gone, if it was removed meanwhile.
    pub(super) fn failed(&self, error: DatasetError) -> ReviewError {
        if self.is_there() { error.into() } else { ReviewError::NoPart { name: self.name.clone() } }
    }

    /// Keeps what a person says, with the mask as that person corrected it if there is one: a picture of the photograph's
    /// size, in which what is not black is the defect. Each file is replaced whole or not at all.
    pub fn say(&self, finding: &Finding, mask: Option<&[u8]>) -> Result<(), ReviewError> {
        if let Some(mask) = mask {
            self.replace_mask(mask)?;
        }
        let path = self.file(finding::FOLDER, "json");
        let written = files::make_folder(&self.folder.join(finding::FOLDER)).and_then(|()| finding.write(&path));
        written.map_err(|source| ReviewError::Write { path: path.clone(), source })?;
        if self.is_there() {
            return Ok(());
        }
        // It was removed to make room, and with it every file but this.
        files::remove(&path).map_err(|source| ReviewError::Write { path, source })?;
        Err(ReviewError::NoPart { name: self.name.clone() })
    }

    fn replace_mask(&self, bytes: &[u8]) -> Result<(), ReviewError> {
        if bytes.len() > MASK_BYTES_MAX {
            return Err(ReviewError::MaskBytes { bytes: bytes.len(), most: MASK_BYTES_MAX });
        }
        let (width, height) = self.entry().size().map_err(|error| self.failed(error))?;
        let path = self.file("gt", "png");
        let failed = |source| ReviewError::Write { path: path.clone(), source };
        // The mask is read by the rule of all masks, from a file that never gets a name.
        let mut given = Temporary::beside(&self.file("rgb", "png")).map_err(failed)?;
        given.write_all(bytes).map_err(failed)?;
        let marked = read_given(&given, &path, (width, height))?;
        given.discard().map_err(failed)?;
        mvtec3d::write_mask(&self.folder, &self.name, (width, height), &marked).map_err(failed)
    }
}

/// Reads the mask that was given, and names the file that it is for in errors.
fn read_given(given: &Temporary, path: &Path, (width, height): (usize, usize)) -> Result<Vec<bool>, ReviewError> {
    let named = |error| match error {
        DatasetError::Decode { expected, reason, .. } => DatasetError::Decode { path: path.into(), expected, reason },
        DatasetError::Layout { expected, found, .. } => DatasetError::Layout { path: path.into(), expected, found },
        DatasetError::Size { source, .. } => DatasetError::Size { path: path.into(), source },
        error => error,
    };
    Ok(crate::dataset::read_mask(given.path(), width, height).map_err(named)?)
}

/// Whether `test` is a folder.
pub fn is_recording(test: &Path) -> bool {
    fs::metadata(test).is_ok_and(|found| found.is_dir())
}

/// Whether an error says that a part's file is no longer there.
pub fn is_gone(error: &DatasetError) -> bool {
    matches!(error, DatasetError::Open { source, .. } if source.kind() == ErrorKind::NotFound)
}
