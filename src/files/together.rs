//! Several files that belong together.

use std::io;
use std::path::{Path, PathBuf};

use super::folder::{folder_of, folders_of, remove, sync_folder};
use super::temporary::{Temporary, abandoned, sweep};
use super::whole::check_kind;

/// Files that appear together. One of them is the mark: its temporary is made before all others and it gets its name
/// last, so that all files are there where the mark is, and only some may be there where the mark's temporary is.
pub struct Together {
    others: Vec<Staged>,
    mark: Staged,
    sweeps: bool,
}

/// A file that is written, and its name to be.
struct Staged {
    temporary: Temporary,
    path: PathBuf,
}

impl Staged {
    fn beside(path: &Path, sweeps: bool) -> io::Result<Self> {
        check_kind(path)?;
        if sweeps {
            sweep(path);
        }
        Ok(Self { temporary: Temporary::beside(path)?, path: path.into() })
    }

    fn name(&mut self) -> io::Result<()> {
        self.temporary.rename_to(&self.path)
    }
}

impl Together {
    /// Begins with the mark, whose content comes last.
    pub fn marked_by(mark: &Path) -> io::Result<Self> {
        Ok(Self { others: Vec::new(), mark: Staged::beside(mark, true)?, sweeps: true })
    }

    /// Begins with names that were never used, in folders of many files: nothing can be left of earlier writers.
    pub fn new_marked_by(mark: &Path) -> io::Result<Self> {
        Ok(Self { others: Vec::new(), mark: Staged::beside(mark, false)?, sweeps: false })
    }

    /// Writes one more file, which has its name once all are there.
    pub fn add(&mut self, path: &Path, write: impl FnOnce(&mut Temporary) -> io::Result<()>) -> io::Result<()> {
        let mut staged = Staged::beside(path, self.sweeps)?;
        write(&mut staged.temporary)?;
        staged.temporary.sync()?;
        self.others.push(staged);
        Ok(())
    }

    /// Writes the mark, and gives all their names. An earlier mark is removed first: it does not belong to the new
    /// files. After an error no file is there that was not there before.
    pub fn commit(self, write_mark: impl FnOnce(&mut Temporary) -> io::Result<()>) -> io::Result<()> {
        let Self { mut others, mut mark, .. } = self;
        write_mark(&mut mark.temporary)?;
        mark.temporary.sync()?;
        let is_new = |staged: &&Staged| !staged.path.exists();
        let new: Vec<PathBuf> = [&mark].into_iter().chain(&others).filter(is_new).map(|s| s.path.clone()).collect();
        // The mark's temporary is there to stay before a file that it speaks of.
        sync_folder(folder_of(&mark.path))?;
        remove(&mark.path)?;
        let named = name(&mut others, &mut mark);
        if named.is_err() {
            // The mark first, and its temporary, which goes last, still speaks of the others.
            new.iter().for_each(|path| drop(remove(path)));
        }
        named
    }
}

fn name(others: &mut [Staged], mark: &mut Staged) -> io::Result<()> {
    others.iter_mut().try_for_each(Staged::name)?;
    folders_of(others.iter().map(|staged| staged.path.as_path())).iter().try_for_each(|folder| sync_folder(folder))?;
    mark.name()?;
    sync_folder(folder_of(&mark.path))
}

/// Removes what writers that were ended left of files that were to appear together. `mark`: the marks' folder, and what
/// their names end in after the stem that they share with the others; `others`: the other folders; `files_of`: the files
/// of a stem that may be there.
pub fn remove_broken_off(
    (marks, suffix): (&Path, &str),
    others: &[PathBuf],
    files_of: impl Fn(&str) -> io::Result<Vec<PathBuf>>,
) -> io::Result<()> {
    // The mark's temporary tells which files are half there, so it goes after them.
    for folder in others.iter().map(PathBuf::as_path).chain([marks]).filter(|folder| folder.is_dir()) {
        for left in abandoned(folder)? {
            let stem = left.target.strip_suffix(suffix).filter(|_| folder == marks);
            if let Some(stem) = stem.filter(|_| !folder.join(&left.target).exists()) {
                files_of(stem)?.iter().try_for_each(|file| remove(file))?;
            }
            left.remove()?;
        }
    }
    Ok(())
}
