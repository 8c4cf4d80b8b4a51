//! Why a file cannot be used.

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::kind::Kind;

/// `kind` is what the file was to be; the configuration's section has the same name.
#[derive(Debug, Error)]
pub enum SqliteError {
    #[error("cannot open the {kind} {}: {source}; check {kind}.file and who may write there", path.display())]
    Open { kind: &'static str, path: PathBuf, source: io::Error },
    #[error(
        "{} is no {kind}: expected an SQLite file that a station has made, found {found}; it is left as it is: name another file in {kind}.file", path.display()
    )]
    Foreign { kind: &'static str, path: PathBuf, found: String },
    #[error(
        "the {kind} {} is damaged: {reason}; it is left as it is: move it away with the files beside it that begin with its name, and the station begins another one. `sqlite3 FILE .recover` reads what is left of it", path.display()
    )]
    Damaged { kind: &'static str, path: PathBuf, reason: String },
    #[error(
        "the {kind} {} has format {found}, which a later version of this program has made; this one knows format {known}: name another file in {kind}.file, or run that version", path.display()
    )]
    Newer { kind: &'static str, path: PathBuf, found: i64, known: i64 },
    #[error("a station that is running writes the {kind} {}: each station needs a {kind}.file of its own", path.display())]
    InUse { kind: &'static str, path: PathBuf },
    #[error("there is no {kind} {}: a station with [{kind}] makes it when it starts", path.display())]
    Absent { kind: &'static str, path: PathBuf },
    #[error("the {kind} {}: {source}", path.display())]
    Sql { kind: &'static str, path: PathBuf, source: rusqlite::Error },
}

impl SqliteError {
    /// Whether the disk could not be written: it may be written later.
    pub fn is_of_the_disk(&self) -> bool {
        use rusqlite::ErrorCode::{DatabaseBusy, DiskFull, SystemIoFailure};
        let Self::Sql { source, .. } = self else { return false };
        matches!(source.sqlite_error_code(), Some(DatabaseBusy | DiskFull | SystemIoFailure))
    }

    /// What SQLite says about the file at `path`.
    pub fn of(kind: Kind, path: &Path, source: rusqlite::Error) -> Self {
        let (kind, path) = (kind.name, path.into());
        match source.sqlite_error_code() {
            Some(rusqlite::ErrorCode::NotADatabase) => {
                Self::Foreign { kind, path, found: "another kind of file".into() }
            }
            Some(rusqlite::ErrorCode::DatabaseCorrupt) => Self::Damaged { kind, path, reason: source.to_string() },
            Some(rusqlite::ErrorCode::CannotOpen) => {
                Self::Open { kind, path, source: io::Error::other(source.to_string()) }
            }
            _ => Self::Sql { kind, path, source },
        }
    }
}
