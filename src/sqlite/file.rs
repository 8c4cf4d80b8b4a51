//! How files are opened, and told from those of other programs.

use std::path::Path;
use std::time::Duration;

use rusqlite::limits::Limit;
use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use super::error::SqliteError;
use super::kind::Kind;

/// How long another program that reads or writes is waited for.
const BUSY: Duration = Duration::from_secs(2);
/// The log beside the file is cut to this size once its content is in the file.
const LOG_BYTES_MAX: i64 = 64 << 20;
/// Longest value and longest statement: a station writes a few hundred bytes.
const VALUE_BYTES_MAX: i32 = 1 << 20;
/// A file up to this size is checked in a second or two.
const CHECKED_BYTES_MAX: u64 = 64 << 20;

impl Kind {
    /// Opens the file to write into it, and makes the tables where it is new.
    pub fn open(self, path: &Path) -> Result<Connection, SqliteError> {
        let failed = |source| SqliteError::of(self, path, source);
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut connection = Connection::open_with_flags(path, flags).map_err(failed)?;
        configure(&connection).map_err(failed)?;
        let is_new = !self.identify(&connection, path)?;
        self.prepare(&mut connection, is_new).map_err(failed)?;
        Ok(connection)
    }

    fn prepare(self, connection: &mut Connection, is_new: bool) -> rusqlite::Result<()> {
        // What was committed outlives a power cut.
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "journal_size_limit", LOG_BYTES_MAX)?;
        if is_new {
            let new = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            new.execute_batch(self.tables)?;
            new.pragma_update(None, "application_id", self.application)?;
            new.pragma_update(None, "user_version", self.format)?;
            new.commit()?;
        }
        Ok(())
    }

    /// Opens the file to read it, also while a station writes.
    pub fn open_to_read(self, path: &Path) -> Result<Connection, SqliteError> {
        if !path.exists() {
            return Err(SqliteError::Absent { kind: self.name, path: path.into() });
        }
        let failed = |source| SqliteError::of(self, path, source);
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags).map_err(failed)?;
        configure(&connection).map_err(failed)?;
        match self.identify(&connection, path)? {
            true => Ok(connection),
            false => Err(SqliteError::Foreign { kind: self.name, path: path.into(), found: "an empty file".into() }),
        }
    }

    /// Fails where a page of the file is damaged.
    pub fn check(self, connection: &Connection, path: &Path) -> Result<(), SqliteError> {
        let found: String = connection
            .query_row("PRAGMA quick_check(1)", [], |row| row.get(0))
            .map_err(|source| SqliteError::of(self, path, source))?;
        match found.as_str() {
            "ok" => Ok(()),
            _ => Err(SqliteError::Damaged { kind: self.name, path: path.into(), reason: found }),
        }
    }

    /// [`Kind::check`], unless the file is so large that the line would wait for it.
    pub fn check_if_small(self, connection: &Connection, path: &Path) -> Result<(), SqliteError> {
        let is_small = std::fs::metadata(path).is_ok_and(|file| file.len() <= CHECKED_BYTES_MAX);
        if is_small { self.check(connection, path) } else { Ok(()) }
    }

    /// Whether the file is of this kind; false for an empty file. Any other file is an error.
    fn identify(self, connection: &Connection, path: &Path) -> Result<bool, SqliteError> {
        let number = |sql: &str| -> Result<i64, SqliteError> {
            connection.query_row(sql, [], |row| row.get(0)).map_err(|source| SqliteError::of(self, path, source))
        };
        let (application, format) = (number("PRAGMA application_id")?, number("PRAGMA user_version")?);
        match (application, number("SELECT COUNT(*) FROM sqlite_schema")?) {
            (0, 0) => Ok(false),
            (application, _) if application == self.application && format > self.format => {
                Err(SqliteError::Newer { kind: self.name, path: path.into(), found: format, known: self.format })
            }
            (application, _) if application == self.application => Ok(true),
            _ => Err(SqliteError::Foreign {
                kind: self.name,
                path: path.into(),
                found: "another program's SQLite file".into(),
            }),
        }
    }
}

fn configure(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(BUSY)?;
    connection.set_limit(Limit::SQLITE_LIMIT_LENGTH, VALUE_BYTES_MAX)?;
    // What a file brings with it calls no function that could do more than calculate.
    connection.pragma_update(None, "trusted_schema", false)
}
