//! Reads a trace, also while a station writes it, and gives its rows as CSV.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use rusqlite::Connection;
use rusqlite::types::Value;

use super::schema::TRACE;
use crate::score::Verdict;
use crate::sqlite::{Filter, SqliteError, is_locked, write_csv};

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
    pub fn open(path: &Path) -> Result<Self, SqliteError> {
        let is_written = is_locked(path);
        Ok(Self { connection: TRACE.open_to_read(path)?, path: path.into(), is_written })
    }

    /// Writes the rows as CSV, with a line of names above them. Returns how many rows.
    pub fn write_csv(&self, what: What, query: &Query, out: &mut dyn Write) -> io::Result<u64> {
        let (sql, values) = match what {
            What::Parts => parts(query),
            What::Runs => (format!("{ENDS}{RUNS}"), vec![Value::from(self.is_written)]),
            What::Lost => (format!("{ENDS}{LOST}"), vec![Value::from(self.is_written)]),
        };
        write_csv(&self.connection, (sql, values), out, |source| {
            io::Error::other(SqliteError::of(TRACE, &self.path, source))
        })
    }
}

/// The parts that fit, in the order in which they were announced.
fn parts(query: &Query) -> (String, Vec<Value>) {
    let Query { from_unix_ms, to_unix_ms, verdict, recipe, identity } = query;
    Filter::of("SELECT * FROM trace")
        .and("triggered_unix_ms >= ?", from_unix_ms.map(Value::from))
        .and("triggered_unix_ms < ?", to_unix_ms.map(Value::from))
        .and("verdict = ?", verdict.map(|verdict| Value::from(verdict.to_string())))
        .and("recipe = ?", recipe.map(Value::from))
        .and("identity = ?", identity.clone().map(Value::from))
        .ordered_by("run, part")
}
