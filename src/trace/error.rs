//! Why there is no trace.

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

#[derive(Debug, Error)]
pub enum TraceError {
    #[error("cannot open the trace {}: {source}; check trace.file and who may write there", path.display())]
    Open { path: PathBuf, source: io::Error },
    #[error(
        "{} is no trace: expected an SQLite file that a station has made, found {found}; it is left as it is: name another file in trace.file", path.display()
    )]
    Foreign { path: PathBuf, found: String },
    #[error(
        "the trace {} is damaged: {reason}; it is left as it is: move it away with the files beside it that begin with its name, and the station begins another one. `sqlite3 FILE .recover` reads what is left of it", path.display()
    )]
    Damaged { path: PathBuf, reason: String },
    #[error(
        "the trace {} has format {found}, which a later version of this program has made; this one knows format {known}: name another file in trace.file, or run that version", path.display()
    )]
    Newer { path: PathBuf, found: i64, known: i64 },
    #[error("a station that is running writes the trace {}: each station needs a trace.file of its own", path.display())]
    InUse { path: PathBuf },
    #[error("there is no trace {}: a station with [trace] makes it when it starts", path.display())]
    Absent { path: PathBuf },
    #[error("the trace {}: {source}", path.display())]
    Sql { path: PathBuf, source: rusqlite::Error },
    #[error("cannot start the thread that writes the trace: {0}")]
    Thread(io::Error),
}

impl TraceError {
    /// Whether the disk could not be written: it may be written later.
    pub(super) fn is_of_the_disk(&self) -> bool {
        use rusqlite::ErrorCode::{DatabaseBusy, DiskFull, SystemIoFailure};
        let Self::Sql { source, .. } = self else { return false };
        matches!(source.sqlite_error_code(), Some(DatabaseBusy | DiskFull | SystemIoFailure))
    }

    /// What SQLite says about the file at `path`.
    pub(super) fn of(path: &Path, source: rusqlite::Error) -> Self {
        let path = path.into();
        match source.sqlite_error_code() {
            Some(rusqlite::ErrorCode::NotADatabase) => Self::Foreign { path, found: "another kind of file".into() },
            Some(rusqlite::ErrorCode::DatabaseCorrupt) => Self::Damaged { path, reason: source.to_string() },
            Some(rusqlite::ErrorCode::CannotOpen) => Self::Open { path, source: io::Error::other(source.to_string()) },
            _ => Self::Sql { path, source },
        }
    }
}
