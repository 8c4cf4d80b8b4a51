//! Why there is no trace.

use std::io;

use thiserror::Error;

use crate::sqlite::SqliteError;

#[derive(Debug, Error)]
pub enum TraceError {
    #[error(transparent)]
    File(#[from] SqliteError),
    #[error("cannot start the thread that writes the trace: {0}")]
    Thread(io::Error),
}
