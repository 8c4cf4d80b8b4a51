//! One station writes a file at a time.

use std::fs::{File, TryLockError};
use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use super::error::SqliteError;
use super::kind::Kind;
use crate::files::make_folder;

/// How long a program that looks whether a station is running is waited for.
const LOCK_TIME_MAX: Duration = Duration::from_secs(1);

/// Held as long as a station may write. It has to be dropped after the connection: to close any handle of a file ends the
/// locks that SQLite has on it.
pub struct Lock {
    _file: File,
}

impl Lock {
    /// Makes the file where it is not there, and locks it against other stations.
    pub fn take(kind: Kind, path: &Path) -> Result<Self, SqliteError> {
        let failed = |source| SqliteError::Open { kind: kind.name, path: path.into(), source };
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            make_folder(folder).map_err(failed)?;
        }
        let file = File::options().read(true).write(true).create(true).truncate(false).open(path).map_err(failed)?;
        if !file.metadata().map_err(failed)?.is_file() {
            return Err(failed(io::Error::other("it is no ordinary file")));
        }
        let start = Instant::now();
        while file.try_lock().is_err() {
            if start.elapsed() > LOCK_TIME_MAX {
                return Err(SqliteError::InUse { kind: kind.name, path: path.into() });
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(Self { _file: file })
    }
}

/// Whether a station writes the file. To be asked before SQLite opens it: to close any handle of a file ends the locks that
/// a program has on it.
pub fn is_locked(path: &Path) -> bool {
    File::open(path).is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
}
