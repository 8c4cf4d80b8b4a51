//! Makes, renames and removes files and folders durably.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use super::step::step;

/// The folder of the file at `path`.
pub fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// The folders of `paths`, each once.
pub fn folders_of<'a>(paths: impl Iterator<Item = &'a Path>) -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> = paths.map(|path| folder_of(path).into()).collect();
    folders.sort();
    folders.dedup();
    folders
}

/// Makes a folder and those above it that are missing, durably.
pub fn make_folder(path: &Path) -> io::Result<()> {
    if path.as_os_str().is_empty() || path.is_dir() {
        return Ok(());
    }
    make_folder(folder_of(path))?;
    step()?;
    match std::fs::create_dir(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists || !path.is_dir() => return Err(error),
        _ => {}
    }
    sync_folder(folder_of(path))
}

/// Renames a file within its folder, durably.
pub fn rename(from: &Path, to: &Path) -> io::Result<()> {
    step()?;
    std::fs::rename(from, to)?;
    sync_folder(folder_of(to))
}

/// Removes a file, durably; one that is not there is not an error.
pub fn remove(path: &Path) -> io::Result<()> {
    step()?;
    match std::fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed.and_then(|()| sync_folder(folder_of(path))),
    }
}

/// Makes durable what was made, renamed or removed in a folder.
pub fn sync_folder(folder: &Path) -> io::Result<()> {
    step()?;
    File::open(folder)?.sync_all()
}
