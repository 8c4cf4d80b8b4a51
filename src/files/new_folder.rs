//! A folder that appears with all that is in it.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use super::folder::{folder_of, folders_of, make_folder, remove, rename, sync_folder};
use super::step::step;
use super::temporary::{sweep, temporary_path};

/// A folder beside its target, locked while it is filled. It is removed unless it is renamed.
pub struct NewFolder {
    path: PathBuf,
    _lock: File,
    there: bool,
}

impl NewFolder {
    /// Makes the folder, and removes what was left of others for the same target.
    pub fn beside(target: &Path) -> io::Result<Self> {
        make_folder(folder_of(target))?;
        sweep(target);
        step()?;
        let path = temporary_path(target);
        fs::create_dir(&path)?;
        let lock = File::open(&path)?;
        // Where a file system has no locks, nothing is ever taken for abandoned.
        let _ = lock.lock();
        Ok(Self { path, _lock: lock, there: true })
    }

    /// Where to write what is to be in it.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Moves the files that are in it into `folder`, in place of those of the same names. One of them is the mark: an
    /// earlier one is removed first and the new one comes last, so that it never stands beside files of another run.
    pub fn move_into(self, folder: &Path, mark: &str) -> io::Result<()> {
        let mut files = Vec::new();
        list(&self.path, Path::new(""), &mut files)?;
        remove(&folder.join(mark))?;
        let others = files.iter().filter(|file| file.as_path() != Path::new(mark));
        for file in others.clone() {
            make_folder(folder_of(&folder.join(file)))?;
            step()?;
            fs::rename(self.path.join(file), folder.join(file))?;
        }
        let moved: Vec<PathBuf> = others.map(|file| folder.join(file)).collect();
        folders_of(moved.iter().map(PathBuf::as_path)).iter().try_for_each(|folder| sync_folder(folder))?;
        rename(&self.path.join(mark), &folder.join(mark))
    }

    /// Gives the folder its name, which must be free.
    pub fn rename_to(mut self, target: &Path) -> io::Result<()> {
        sync_folders(&self.path)?;
        step()?;
        fs::rename(&self.path, target)?;
        self.there = false;
        sync_folder(folder_of(target))
    }
}

impl Drop for NewFolder {
    fn drop(&mut self) {
        if self.there && step().is_ok() {
            // What cannot be removed now is removed by the next writer of this target.
            let _ = fs::remove_dir_all(&self.path);
        }
    }
}

/// Files in a folder and in those within, by their paths in the outermost.
fn list(root: &Path, within: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(root.join(within))? {
        let entry = entry?;
        let path = within.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            list(root, &path, files)?;
        } else {
            files.push(path);
        }
    }
    Ok(())
}

/// Makes the names in a folder durable, and those in the folders within.
fn sync_folders(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            sync_folders(&entry.path())?;
        }
    }
    sync_folder(folder)
}
