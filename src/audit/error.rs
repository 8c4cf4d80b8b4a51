//! Why there is no audit.

use std::io;

use thiserror::Error;

use crate::sqlite::SqliteError;

#[derive(Debug, Error)]
pub enum AuditError {
    #[error(transparent)]
    File(#[from] SqliteError),
    #[error("cannot start the thread that writes the audit: {0}")]
    Thread(io::Error),
}
