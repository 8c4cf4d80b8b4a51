//! Reads an audit, also while a station writes it, and gives its entries as CSV.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use rusqlite::Connection;
use rusqlite::types::Value;

use super::entry::What;
use super::schema::AUDIT;
use crate::sqlite::{Filter, SqliteError, write_csv};

const ENTRIES: &str = "SELECT entry, strftime('%Y-%m-%dT%H:%M:%fZ', unix_ms / 1000.0, 'unixepoch') AS utc,
    who, role, from_address, way, what, before, after, outcome, lost, hash FROM audit";

/// Which entries are read: those that fit all that is given.
#[derive(Clone, Debug, Default)]
pub struct Query {
    /// Recorded at this time or later, milliseconds since 1970.
    pub from_unix_ms: Option<i64>,
    /// Recorded before this time.
    pub to_unix_ms: Option<i64>,
    pub who: Option<String>,
    pub what: Option<What>,
}

/// An audit that is read.
pub struct Reader {
    connection: Connection,
    path: PathBuf,
}

impl Reader {
    pub fn open(path: &Path) -> Result<Self, SqliteError> {
        Ok(Self { connection: AUDIT.open_to_read(path)?, path: path.into() })
    }

    /// Writes the entries as CSV, with a line of names above them. Returns how many.
    pub fn write_csv(&self, query: &Query, out: &mut dyn Write) -> io::Result<u64> {
        let statement = Filter::of(ENTRIES)
            .and("unix_ms >= ?", query.from_unix_ms.map(Value::from))
            .and("unix_ms < ?", query.to_unix_ms.map(Value::from))
            .and("who = ?", query.who.clone().map(Value::from))
            .and("what = ?", query.what.map(|what| Value::from(what.name().to_string())))
            .ordered_by("entry");
        write_csv(&self.connection, statement, out, |source| {
            io::Error::other(SqliteError::of(AUDIT, &self.path, source))
        })
    }
}
