//! The parts of a recording, oldest first, and the space that they take.

use std::collections::{BTreeMap, VecDeque};
use std::fs::{self, DirEntry};
use std::io;
use std::path::{Path, PathBuf};

use crate::dataset::{finding, recording};
use crate::files;

/// Extensions of a part's files.
const EXTENSIONS: [&str; 3] = ["png", "tiff", "json"];
/// What has a finding may take this part of the quota before its oldest go as well: otherwise a recording full of them
/// would have no room for a new part.
const FOUND_PER_QUOTA: u64 = 2;
/// The folder of the file that marks a part as complete: it exists only while all others of the part do.
pub const MARK: &str = recording::FOLDER;

/// Recorded parts and their files. Files with names that a station does not give belong to a person, and stay.
pub struct Shelf {
    test: PathBuf,
    quota_bytes: u64,
    /// In the order of their names, which is that of their age. They had no finding when they were last looked at.
    parts: VecDeque<Part>,
    /// The older ones, of which a person has said something, in the same order.
    found: VecDeque<Part>,
    /// What all parts take, and what those in `found` do.
    bytes: u64,
    found_bytes: u64,
    /// Size of the largest part so far. This much space is made before the next part is written.
    part_bytes_max: u64,
}

#[derive(Debug)]
struct Part {
    kind: String,
    stem: String,
    bytes: u64,
}

impl Shelf {
    /// `test`: a folder of kinds, each with folders whose files have the same names. Removes incomplete parts.
    pub fn open(test: &Path, quota_bytes: u64) -> io::Result<Self> {
        let mut shelf = Self {
            test: test.into(),
            quota_bytes,
            parts: VecDeque::new(),
            found: VecDeque::new(),
            bytes: 0,
            found_bytes: 0,
            part_bytes_max: 0,
        };
        let mut found: BTreeMap<(String, String), u64> = BTreeMap::new();
        for kind in folders(test)? {
            let kind = kind.file_name().to_string_lossy().into_owned();
            shelf.remove_broken_off(&kind)?;
            for file in shelf.files_of(&kind)? {
                let stem = file.path().file_stem().unwrap_or_default().to_string_lossy().into_owned();
                if recording::is_name(&stem) {
                    *found.entry((stem, kind.clone())).or_default() += file.metadata()?.len();
                }
            }
        }
        for ((stem, kind), bytes) in found {
            if shelf.is_half(&kind, &stem) {
                log::warn!("the recording has a part that is not complete, which is removed: {kind}/{stem}");
                shelf.remove_part(&kind, &stem)?;
                continue;
            }
            shelf.bytes += bytes;
            shelf.part_bytes_max = shelf.part_bytes_max.max(bytes);
            shelf.parts.push_back(Part { kind, stem, bytes });
        }
        Ok(shelf)
    }

    /// The session of the newest part. 0 where no part has a session in its name: earlier versions used the wall clock.
    pub fn last_session(&self) -> u64 {
        self.parts.iter().filter_map(|part| recording::session_of(&part.stem)).max().unwrap_or(0)
    }

    /// Removes the oldest parts until one more fits, those without a finding first.
    pub fn make_room(&mut self) -> io::Result<()> {
        while self.bytes + self.part_bytes_max > self.quota_bytes {
            let Some(oldest) = self.oldest()? else { return Ok(()) };
            self.bytes -= oldest.bytes;
            self.remove_part(&oldest.kind, &oldest.stem)?;
        }
        Ok(())
    }

    /// Takes out the part that is to be removed next.
    fn oldest(&mut self) -> io::Result<Option<Part>> {
        while self.found_bytes <= self.quota_bytes / FOUND_PER_QUOTA {
            let Some(mut oldest) = self.parts.pop_front() else { break };
            if !self.file(&oldest.kind, finding::FOLDER, &oldest.stem, "json").exists() {
                return Ok(Some(oldest));
            }
            // With the finding, and the mask as it was corrected.
            let bytes = self.bytes_of(&oldest.kind, &oldest.stem)?;
            self.bytes = self.bytes - oldest.bytes + bytes;
            oldest.bytes = bytes;
            self.found_bytes += bytes;
            self.found.push_back(oldest);
        }
        let Some(oldest) = self.found.pop_front() else { return Ok(self.parts.pop_front()) };
        self.found_bytes -= oldest.bytes;
        Ok(Some(oldest))
    }

    /// Adds a part that was written.
    pub fn add(&mut self, kind: &str, stem: &str) -> io::Result<()> {
        let bytes = self.bytes_of(kind, stem)?;
        self.bytes += bytes;
        self.part_bytes_max = self.part_bytes_max.max(bytes);
        self.parts.push_back(Part { kind: kind.into(), stem: stem.into(), bytes });
        self.make_room()
    }

    fn bytes_of(&self, kind: &str, stem: &str) -> io::Result<u64> {
        let mut bytes = 0;
        for file in self.files(kind, stem)? {
            bytes += fs::metadata(file)?.len();
        }
        Ok(bytes)
    }

    /// Whether a part lacks its verdict and part of its frame: an earlier version was ended while it wrote or removed
    /// it. A frame that is whole may have been put there by a person.
    fn is_half(&self, kind: &str, stem: &str) -> bool {
        let lacks = |folder: &str, extension: &str| !self.file(kind, folder, stem, extension).exists();
        lacks(MARK, "json") && (lacks("rgb", "png") || lacks("xyz", "tiff"))
    }

    /// Takes the mark off a part, then removes its files. The mark's temporary file stays until they are gone.
    fn remove_part(&self, kind: &str, stem: &str) -> io::Result<()> {
        let mark = self.file(kind, MARK, stem, "json");
        let temporary = mark.exists().then(|| files::temporary_path(&mark));
        if let Some(temporary) = &temporary {
            files::rename(&mark, temporary)?;
        }
        for file in self.files(kind, stem)? {
            files::remove(&file)?;
        }
        temporary.map_or(Ok(()), |temporary| files::remove(&temporary))
    }

    /// Removes what is left of parts whose writing or removal was interrupted, with the temporary files.
    fn remove_broken_off(&self, kind: &str) -> io::Result<()> {
        let marks = self.test.join(kind).join(MARK);
        let folders = folders(&self.test.join(kind))?.iter().map(DirEntry::path).collect::<Vec<_>>();
        let others: Vec<PathBuf> = folders.into_iter().filter(|folder| *folder != marks).collect();
        files::remove_broken_off((&marks, ".json"), &others, |stem| {
            log::info!("removed what a sudden end left of the part {kind}/{stem}");
            self.files(kind, stem)
        })?;
        // Earlier versions named their temporary files like this.
        for file in self.files_of(kind)?.iter().filter(|file| file.file_name().to_string_lossy().starts_with(".tmp")) {
            files::remove(&file.path())?;
        }
        Ok(())
    }

    fn file(&self, kind: &str, folder: &str, stem: &str, extension: &str) -> PathBuf {
        self.test.join(kind).join(folder).join(format!("{stem}.{extension}"))
    }

    /// Everything in the folders of a kind.
    fn files_of(&self, kind: &str) -> io::Result<Vec<DirEntry>> {
        let mut files = Vec::new();
        for folder in folders(&self.test.join(kind))? {
            for file in fs::read_dir(folder.path())? {
                files.push(file?);
            }
        }
        Ok(files)
    }

    fn files(&self, kind: &str, stem: &str) -> io::Result<Vec<PathBuf>> {
        let mut files = Vec::new();
        for folder in folders(&self.test.join(kind))? {
            let named = EXTENSIONS.map(|extension| folder.path().join(format!("{stem}.{extension}")));
            files.extend(named.into_iter().filter(|path| path.exists()));
        }
        Ok(files)
    }
}

fn folders(path: &Path) -> io::Result<Vec<DirEntry>> {
    let mut folders = Vec::new();
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            folders.push(entry);
        }
    }
    Ok(folders)
}

#[cfg(test)]
mod tests;
