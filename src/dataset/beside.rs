//! Files of JSON about a frame, one folder beside that of its colour image.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;

use super::error::DatasetError;

/// Reads at most `bytes_max` bytes; none where the file is not there. `expected`: what it is to be. `check` says what is wrong
/// with its content.
pub fn read<T: DeserializeOwned>(
    path: &Path,
    bytes_max: u64,
    expected: &'static str,
    check: impl FnOnce(&T) -> Result<(), String>,
) -> Result<Option<T>, DatasetError> {
    let failed = |reason: String| DatasetError::Decode { path: path.into(), expected, reason };
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(DatasetError::Open { path: path.into(), source }),
    };
    let mut text = String::new();
    file.take(bytes_max).read_to_string(&mut text).map_err(|e| failed(e.to_string()))?;
    let read = serde_json::from_str(&text).map_err(|e| failed(e.to_string()))?;
    check(&read).map_err(failed)?;
    Ok(Some(read))
}

/// Refuses another version of a file's layout than the one that is known.
pub fn check_format(found: u32, known: u32) -> Result<(), String> {
    match found == known {
        true => Ok(()),
        false => Err(format!("it has format {found}, this program reads format {known}")),
    }
}

/// The file in `folder` about the frame whose colour image is `rgb`.
pub fn path(rgb: &Path, folder: &str) -> Option<PathBuf> {
    let stem = rgb.file_stem()?.to_str()?;
    Some(rgb.parent()?.parent()?.join(folder).join(format!("{stem}.json")))
}
