//! Files appear whole or not at all, one alone or several together.
//!
//! What is being written stands beside its target as `.NAME.tmpXXXXXX`, locked while its writer lives. A temporary whose
//! lock can be taken was left by a writer that was ended; the next one of the same target removes it.

#[cfg(test)]
pub(crate) mod failing;
mod new_folder;
mod temporary;
#[cfg(test)]
mod tests;
mod together;

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

pub use new_folder::NewFolder;
use temporary::abandoned;
pub use temporary::{Temporary, temporary_path, unfinished};
pub use together::{Together, remove_broken_off};

/// Every step that may fail or be the last one passes here first, so that tests let each of them be it.
fn step() -> io::Result<()> {
    #[cfg(test)]
    failing::step()?;
    Ok(())
}

/// Refuses a path that [`write_whole`] could not write, so that it shows before the work for it is done. A file is
/// made beside it and removed again, and so is what a writer that was ended left.
pub fn check_target(path: &Path) -> io::Result<()> {
    check_kind(path)?;
    temporary::sweep(path);
    Temporary::beside(path)?.discard()
}

fn check_kind(path: &Path) -> io::Result<()> {
    let folder = folder_of(path);
    if !folder.is_dir() {
        return Err(io::Error::other(format!("the folder {} is not there: make it first", folder.display())));
    }
    match std::fs::metadata(path) {
        Ok(found) if found.is_dir() => Err(io::Error::other("it is a folder: name a file")),
        // The rename would put a file in place of a device.
        Ok(found) if !found.is_file() => Err(io::Error::other("it is no ordinary file: name another")),
        _ => Ok(()),
    }
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Writes to a temporary file beside `path`, syncs it, and renames it over `path`.
pub fn write_whole(path: &Path, write: impl FnOnce(&mut Temporary) -> io::Result<()>) -> io::Result<()> {
    check_kind(path)?;
    temporary::sweep(path);
    let mut temporary = Temporary::beside(path)?;
    write(&mut temporary)?;
    temporary.sync()?;
    temporary.rename_to(path)?;
    // The rename itself is durable once its folder is.
    sync_folder(folder_of(path))
}

/// Makes a folder and those above it that are missing, to stay.
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

/// Gives a file another name in its folder, to stay.
pub fn rename(from: &Path, to: &Path) -> io::Result<()> {
    step()?;
    std::fs::rename(from, to)?;
    sync_folder(folder_of(to))
}

/// Removes a file, to stay removed; one that is not there is no error.
pub fn remove(path: &Path) -> io::Result<()> {
    step()?;
    match std::fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed.and_then(|()| sync_folder(folder_of(path))),
    }
}

/// Makes durable what was renamed, made or removed in a folder.
pub fn sync_folder(folder: &Path) -> io::Result<()> {
    step()?;
    File::open(folder)?.sync_all()
}

/// Folders of `paths`, each once.
fn folders_of<'a>(paths: impl Iterator<Item = &'a Path>) -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> = paths.map(|path| folder_of(path).into()).collect();
    folders.sort();
    folders.dedup();
    folders
}

/// Lower-case hexadecimal, as hashes are written.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}
