//! One file that appears whole or not at all.

use std::io::{self, Write};
use std::path::Path;

use super::folder::{folder_of, sync_folder};
use super::temporary::{Temporary, sweep};

/// Refuses a path that [`write_whole`] could not write, before the work for it is done. A file is made beside it and
/// removed again; what a writer that was ended has left there is removed too.
pub fn check_target(path: &Path) -> io::Result<()> {
    check_kind(path)?;
    sweep(path);
    Temporary::beside(path)?.discard()
}

/// Refuses a target that no file can be written to.
pub fn check_kind(path: &Path) -> io::Result<()> {
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

/// Writes to a temporary file beside `path`, syncs it, and renames it over `path`.
pub fn write_whole(path: &Path, write: impl FnOnce(&mut Temporary) -> io::Result<()>) -> io::Result<()> {
    check_kind(path)?;
    sweep(path);
    let mut temporary = Temporary::beside(path)?;
    write(&mut temporary)?;
    temporary.sync()?;
    temporary.rename_to(path)?;
    // The rename itself is durable once its folder is.
    sync_folder(folder_of(path))
}

/// [`write_whole`] of a text.
pub fn write_text(path: &Path, text: &str) -> io::Result<()> {
    write_whole(path, |file| file.write_all(text.as_bytes()))
}
