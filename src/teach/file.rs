//! The files of a lesson that are JSON: each says the version of its layout.

use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::error::TeachError;
use crate::{files, text};

/// Reads a file of at most `bytes_max` bytes whose layout has the version `format`. `what` it is, for the error.
pub fn read<T: DeserializeOwned>(path: &Path, bytes_max: u64, format: u32, what: &str) -> Result<T, TeachError> {
    let text = text::read(path, bytes_max)?;
    let invalid = |reason: String| TeachError::Invalid { path: path.into(), reason };
    let value: Value = serde_json::from_str(&text).map_err(|error| invalid(error.to_string()))?;
    // Told by its number, since another version may have other fields.
    match value["format"].as_u64() {
        Some(found) if found == u64::from(format) => {}
        Some(found) => return Err(TeachError::Format { path: path.into(), found, expected: format }),
        None => return Err(invalid(format!("it has no format, so that it is no {what}"))),
    }
    serde_json::from_value(value).map_err(|error| invalid(error.to_string()))
}

/// Writes a file, whole or not at all.
pub fn write(path: &Path, content: &impl Serialize) -> Result<(), TeachError> {
    let text = serde_json::to_string_pretty(content).map_err(|error| TeachError::write(path)(error.into()))?;
    files::write_text(path, &(text + "\n")).map_err(TeachError::write(path))
}
