//! Reads a trace, also while a station writes it, and gives its rows as CSV.

use std::fs::{File, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use rusqlite::Connection;
use rusqlite::types::{Value, ValueRef};

use super::error::TraceError;
use super::schema;
use crate::score::Verdict;

/// How each run ended; `?1` is whether a station is writing, whose run is the last.
const ENDS: &str = "WITH ends AS (SELECT run, COALESCE(how_ended,
    CASE WHEN ?1 AND run = (SELECT MAX(run) FROM runs) THEN 'running' ELSE 'killed' END) AS how FROM runs) ";

const RUNS: &str = "
SELECT run, station, version,
    strftime('%Y-%m-%dT%H:%M:%fZ', started_unix_ms / 1000.0, 'unixepoch') AS started_utc,
    strftime('%Y-%m-%dT%H:%M:%fZ', committed_unix_ms / 1000.0, 'unixepoch') AS committed_utc,
    how AS how_ended, parts
FROM runs JOIN ends USING (run) ORDER BY run";

const LOST: &str = "
SELECT run, first, last, count AS parts, reason FROM lost
UNION ALL
SELECT run, MIN(part), MAX(part), COUNT(*), 'unfinished' FROM (
    SELECT run, part, part - ROW_NUMBER() OVER (PARTITION BY run ORDER BY part) AS island
    FROM parts JOIN ends USING (run)
    WHERE state <> 'finished' AND (state = 'unfinished' OR state = 'on_its_way' AND how = 'killed')
) GROUP BY run, island
UNION ALL
SELECT run, 1 + MAX(
    COALESCE((SELECT MAX(part) FROM parts WHERE parts.run = ends.run), -1),
    COALESCE((SELECT MAX(last) FROM lost WHERE lost.run = ends.run), -1)
), NULL, NULL, 'killed' FROM ends WHERE how = 'killed'
ORDER BY run, first";

/// What is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    Parts,
    Runs,
    /// What the trace lacks.
    Lost,
}

/// Which parts are read: those that fit all that is given.
#[derive(Clone, Debug, Default)]
pub struct Query {
    /// Announced at this time or later, milliseconds since 1970.
    pub from_unix_ms: Option<i64>,
    /// Announced before this time.
    pub to_unix_ms: Option<i64>,
    pub verdict: Option<Verdict>,
    pub recipe: Option<u16>,
    pub identity: Option<String>,
}

/// A trace that is read.
pub struct Reader {
    connection: Connection,
    path: PathBuf,
    /// Whether a station writes it.
    is_written: bool,
}

impl Reader {
    pub fn open(path: &Path) -> Result<Self, TraceError> {
        // Closed before SQLite opens the file: to close any handle of a file ends the locks that a program has on it.
        let is_written =
            File::open(path).is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)));
        Ok(Self { connection: schema::open_to_read(path)?, path: path.into(), is_written })
    }

    /// Writes the rows as CSV, with a line of names above them. Returns how many rows.
    pub fn write_csv(&self, what: What, query: &Query, out: &mut dyn Write) -> io::Result<u64> {
        let (sql, values) = match what {
            What::Parts => parts(query),
            What::Runs => (format!("{ENDS}{RUNS}"), vec![Value::from(self.is_written)]),
            What::Lost => (format!("{ENDS}{LOST}"), vec![Value::from(self.is_written)]),
        };
        let failed = |source| io::Error::other(TraceError::of(&self.path, source));
        let mut statement = self.connection.prepare(&sql).map_err(failed)?;
        let mut csv = csv::Writer::from_writer(out);
        csv.write_record(statement.column_names())?;
        let columns = statement.column_count();
        let mut rows = statement.query(rusqlite::params_from_iter(values)).map_err(failed)?;
        let mut count = 0;
        while let Some(row) = rows.next().map_err(failed)? {
            for column in 0..columns {
                csv.write_field(field(row.get_ref(column).map_err(failed)?))?;
            }
            csv.write_record(None::<&[u8]>)?;
            count += 1;
        }
        csv.flush()?;
        Ok(count)
    }
}

/// The parts that fit, in the order in which they were announced.
fn parts(query: &Query) -> (String, Vec<Value>) {
    let Query { from_unix_ms, to_unix_ms, verdict, recipe, identity } = query;
    let conditions = [
        ("triggered_unix_ms >= ?", from_unix_ms.map(Value::from)),
        ("triggered_unix_ms < ?", to_unix_ms.map(Value::from)),
        ("verdict = ?", verdict.map(|verdict| Value::from(verdict.to_string()))),
        ("recipe = ?", recipe.map(Value::from)),
        ("identity = ?", identity.clone().map(Value::from)),
    ];
    let (mut sql, mut values) = (String::from("SELECT * FROM trace WHERE TRUE"), Vec::new());
    for (condition, value) in conditions {
        if let Some(value) = value {
            sql += &format!(" AND {condition}");
            values.push(value);
        }
    }
    (sql + " ORDER BY run, part", values)
}

/// A value as a field. A text that a spreadsheet would take for a formula gets an apostrophe before it, which spreadsheets
/// show as text.
fn field(value: ValueRef<'_>) -> String {
    match value {
        ValueRef::Null | ValueRef::Blob(_) => String::new(),
        ValueRef::Integer(number) => number.to_string(),
        ValueRef::Real(number) => number.to_string(),
        ValueRef::Text(text) => {
            let text = String::from_utf8_lossy(text);
            let is_formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
            if is_formula { format!("'{text}") } else { text.into() }
        }
    }
}
