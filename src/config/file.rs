//! The files that configurations are read from.

use std::path::Path;

use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};
use thiserror::Error;

use crate::files::hex;
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

/// The SHA-256 of a configuration's text. It is no part of what the configuration says: two that say the same are equal,
/// whatever their texts are.
#[derive(Clone, Debug, Default)]
pub struct TextSha256(String);

impl TextSha256 {
    pub fn of(text: &str) -> Self {
        Self(hex(&Sha256::digest(text)))
    }

    pub fn digits(&self) -> &str {
        &self.0
    }
}

impl PartialEq for TextSha256 {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

/// Parses the text of the file at `path`. Values are not checked.
pub fn parse<T: DeserializeOwned>(text: &str, path: &Path) -> Result<T, ConfigError> {
    toml::from_str(text).map_err(|error| {
        let (line, reason) = toml_errors::explain(&error, text);
        ConfigError::Parse { path: path.display().to_string(), line, reason }
    })
}
