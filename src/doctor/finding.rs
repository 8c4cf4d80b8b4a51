//! The result of one check.

use serde::Serialize;

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    Ok,
    /// A fact that needs no action.
    Note,
    /// The station runs, but not as well or as safely as it could.
    Warning,
    /// The station cannot run until this is fixed.
    Error,
}

/// The result of one check.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Finding {
    /// Name of the check, as words joined by dots: `gpio.reject`.
    pub name: String,
    pub status: Status,
    pub found: String,
    /// What to do; none if nothing has to be done.
    pub fix: Option<String>,
}

impl Finding {
    pub fn ok(name: &str, found: impl Into<String>) -> Self {
        Self { name: name.into(), status: Status::Ok, found: found.into(), fix: None }
    }

    pub fn note(name: &str, found: impl Into<String>) -> Self {
        Self { status: Status::Note, ..Self::ok(name, found) }
    }

    pub fn warning(name: &str, found: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { status: Status::Warning, fix: Some(fix.into()), ..Self::ok(name, found) }
    }

    pub fn error(name: &str, found: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { status: Status::Error, fix: Some(fix.into()), ..Self::ok(name, found) }
    }
}
