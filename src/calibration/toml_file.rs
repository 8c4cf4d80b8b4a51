//! Calibration files as TOML: read within a bound, parsed with the line of what is wrong, written whole.

use std::io;
use std::path::Path;

use super::error::CalibrationError;
use crate::{files, text, toml_errors};

/// A calibration file is a few lines; anything larger is something else.
const FILE_BYTES_MAX: u64 = 64 << 10;

/// Reads the text of a calibration file, of this program or of another one.
pub fn read_text(path: &Path) -> Result<String, CalibrationError> {
    Ok(text::read(path, FILE_BYTES_MAX)?)
}

/// Parses the text of the file at `path`, and checks what it holds. `needs`: what the file has to have, for the error.
pub fn parse<T: serde::de::DeserializeOwned>(
    text: &str,
    path: &Path,
    needs: &'static str,
    check: impl FnOnce(T) -> Result<T, String>,
) -> Result<T, CalibrationError> {
    let parsed = toml::from_str(text).map_err(|error| {
        let (line, reason) = toml_errors::explain(&error, text);
        format!("line {line}: {reason}")
    });
    let path = || path.display().to_string();
    parsed.and_then(check).map_err(|reason| CalibrationError::Parse { path: path(), reason, needs })
}

/// Writes `value` as TOML behind the comment lines of `head`, whole or not at all.
pub fn write_toml(path: &Path, head: &str, value: &impl serde::Serialize) -> Result<(), CalibrationError> {
    let failed = |source| CalibrationError::Write { path: path.display().to_string(), source };
    let text = toml::to_string(value).map_err(|error| failed(io::Error::other(error)))?;
    files::write_text(path, &format!("{head}{text}")).map_err(failed)
}
