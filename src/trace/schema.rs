//! The tables of the file, and whether a file is a trace.

use std::path::Path;

use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use super::error::TraceError;

/// Stands in the file's header, so that no other program's file is taken for a trace.
const APPLICATION: i64 = 0x4343_5472;
/// Stands there too.
const FORMAT: i64 = 1;
/// How long another program that reads or writes is waited for.
const BUSY_MS: u64 = 2000;
/// The log beside the file is cut to this size once its content is in the file.
const LOG_BYTES_MAX: i64 = 64 << 20;

/// Times are milliseconds since 1970, UTC. Whoever reads the file takes the view `trace`.
const TABLES: &str = "
CREATE TABLE runs (
    run INTEGER PRIMARY KEY,
    station TEXT NOT NULL,
    version TEXT NOT NULL,
    started_unix_ms INTEGER NOT NULL,
    committed_unix_ms INTEGER NOT NULL,
    ended_unix_ms INTEGER,
    how_ended TEXT CHECK (how_ended IN ('clean', 'failed', 'killed')),
    parts INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE TABLE engines (
    engine INTEGER PRIMARY KEY,
    sha256 TEXT NOT NULL UNIQUE
) STRICT;
CREATE TABLE parts (
    run INTEGER NOT NULL,
    part INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('on_its_way', 'finished', 'unfinished', 'incomplete')),
    identity TEXT,
    recipe INTEGER,
    triggered_unix_ms INTEGER,
    captured_unix_ms INTEGER,
    judged_unix_ms INTEGER,
    settled_unix_ms INTEGER,
    verdict TEXT CHECK (verdict IN ('pass', 'review', 'reject')),
    score REAL,
    threshold REAL,
    review REAL,
    reason TEXT,
    outcome TEXT CHECK (outcome IN ('passed', 'rejected', 'caught', 'missed')),
    late INTEGER NOT NULL,
    doubtful INTEGER NOT NULL,
    defects INTEGER,
    worst_kind TEXT,
    worst_x REAL,
    worst_y REAL,
    worst_area_mm2 REAL,
    capture_to_verdict_ms REAL,
    engine INTEGER,
    PRIMARY KEY (run, part)
) STRICT, WITHOUT ROWID;
CREATE INDEX parts_by_identity ON parts (identity);
CREATE INDEX parts_by_trigger ON parts (triggered_unix_ms);
CREATE INDEX parts_not_finished ON parts (state, run, part) WHERE state <> 'finished';
CREATE TABLE lost (
    run INTEGER NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    count INTEGER NOT NULL,
    reason TEXT NOT NULL CHECK (reason IN ('queue', 'disk')),
    PRIMARY KEY (run, first)
) STRICT, WITHOUT ROWID;
CREATE VIEW trace AS SELECT
    run, part, identity, recipe, state,
    strftime('%Y-%m-%dT%H:%M:%fZ', triggered_unix_ms / 1000.0, 'unixepoch') AS triggered_utc,
    triggered_unix_ms, captured_unix_ms, judged_unix_ms, settled_unix_ms,
    verdict, score, threshold, review, reason, outcome, late, doubtful,
    defects, worst_kind, worst_x, worst_y, worst_area_mm2,
    capture_to_verdict_ms, sha256 AS engine_sha256, station, version
FROM parts JOIN runs USING (run) LEFT JOIN engines USING (engine);
";

/// Opens the file to write into it, and makes the tables where it is new.
pub fn open(path: &Path) -> Result<Connection, TraceError> {
    let failed = |source| TraceError::of(path, source);
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags).map_err(failed)?;
    configure(&connection).map_err(failed)?;
    let is_new = !identify(&connection, path)?;
    prepare(&mut connection, is_new).map_err(failed)?;
    Ok(connection)
}

fn prepare(connection: &mut Connection, is_new: bool) -> rusqlite::Result<()> {
    // What was committed outlives a power cut.
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "journal_size_limit", LOG_BYTES_MAX)?;
    if is_new {
        let new = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        new.execute_batch(TABLES)?;
        new.pragma_update(None, "application_id", APPLICATION)?;
        new.pragma_update(None, "user_version", FORMAT)?;
        new.commit()?;
    }
    Ok(())
}

/// Opens the file to read it, also while a station writes.
pub fn open_to_read(path: &Path) -> Result<Connection, TraceError> {
    if !path.exists() {
        return Err(TraceError::Absent { path: path.into() });
    }
    let failed = |source| TraceError::of(path, source);
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(failed)?;
    configure(&connection).map_err(failed)?;
    match identify(&connection, path)? {
        true => Ok(connection),
        false => Err(TraceError::Foreign { path: path.into(), found: "an empty file".into() }),
    }
}

/// Reads the whole file at `path`, and says what is wrong with it.
pub fn check(path: &Path) -> Result<(), TraceError> {
    open_to_read(path).and_then(|connection| check_all(&connection, path))
}

/// Fails where a page of the file is damaged.
pub(super) fn check_all(connection: &Connection, path: &Path) -> Result<(), TraceError> {
    let found: String =
        connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0)).map_err(|e| TraceError::of(path, e))?;
    match found.as_str() {
        "ok" => Ok(()),
        _ => Err(TraceError::Damaged { path: path.into(), reason: found }),
    }
}

fn configure(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(std::time::Duration::from_millis(BUSY_MS))?;
    // What a file brings with it calls no function that could do more than calculate.
    connection.pragma_update(None, "trusted_schema", false)
}

/// Whether the file is a trace; false for an empty file. Any other file is an error.
fn identify(connection: &Connection, path: &Path) -> Result<bool, TraceError> {
    let number = |sql: &str| -> Result<i64, TraceError> {
        connection.query_row(sql, [], |row| row.get(0)).map_err(|source| TraceError::of(path, source))
    };
    let (application, format) = (number("PRAGMA application_id")?, number("PRAGMA user_version")?);
    match (application, number("SELECT COUNT(*) FROM sqlite_schema")?) {
        (0, 0) => Ok(false),
        (APPLICATION, _) if format > FORMAT => {
            Err(TraceError::Newer { path: path.into(), found: format, known: FORMAT })
        }
        (APPLICATION, _) => Ok(true),
        _ => Err(TraceError::Foreign { path: path.into(), found: "another program's SQLite file".into() }),
    }
}
