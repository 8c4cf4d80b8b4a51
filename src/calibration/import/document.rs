//! A file of another program as a tree: YAML, of which JSON is a part.

use std::path::Path;

use crate::calibration::error::CalibrationError;
use crate::calibration::toml_file::read_text;
use crate::yaml::{self, Node};

/// Reads the file at `path` and takes from it what `of` finds. `needs`: what the file has to have, for the error.
pub fn read<T>(
    path: &Path,
    needs: &'static str,
    of: impl FnOnce(&Node) -> Result<T, String>,
) -> Result<T, CalibrationError> {
    let text = read_text(path)?;
    let root = match text.trim_start().starts_with('<') {
        true => Err("it is XML: have OpenCV write it as .yml".into()),
        false => yaml::parse(&text),
    };
    let path = || path.display().to_string();
    root.and_then(|root| of(&root)).map_err(|reason| CalibrationError::Parse { path: path(), reason, needs })
}
