//! Files of a lesson that a station runs are copies: those of the lesson itself are written again.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use super::error::TeachError;
use crate::files;

/// Copies a file into `folder`, whole or not at all. Returns where it is.
pub fn copy(from: &Path, folder: &Path) -> Result<PathBuf, TeachError> {
    files::make_folder(folder).map_err(TeachError::write(folder))?;
    let to = folder.join(from.file_name().unwrap_or_default());
    let mut source = File::open(from).map_err(|source| TeachError::Read { path: from.into(), source })?;
    files::write_whole(&to, |file| io::copy(&mut source, file).map(drop)).map_err(TeachError::write(&to))?;
    Ok(to)
}
