//! The files that configurations are read from.

use std::path::Path;

use serde::de::DeserializeOwned;
use thiserror::Error;

use crate::text::TextError;
use crate::toml_errors;

/// Largest size: a configuration is a page or two, so a larger file is not one.
pub const FILE_BYTES_MAX: u64 = 1 << 20;

#[derive(Debug, Error)]
pub enum ConfigError {
    #[error(transparent)]
    Text(#[from] TextError),
    #[error("{path}, line {line}: {reason}")]
    Parse { path: String, line: usize, reason: String },
    #[error("{path} is not valid:\n  {}", problems.join("\n  "))]
    Invalid { path: String, problems: Vec<String> },
}

/// Parses the text of the file at `path`. Values are not checked.
pub fn parse<T: DeserializeOwned>(text: &str, path: &Path) -> Result<T, ConfigError> {
    toml::from_str(text).map_err(|error| {
        let (line, reason) = toml_errors::explain(&error, text);
        ConfigError::Parse { path: path.display().to_string(), line, reason }
    })
}
