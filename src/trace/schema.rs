//! The tables of the file.

use std::path::Path;

use crate::sqlite::{Kind, SqliteError};

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

/// The file of a trace.
pub const TRACE: Kind = Kind { name: "trace", application: 0x4343_5472, format: 1, tables: TABLES };

/// Reads the whole file at `path`, and says what is wrong with it.
pub fn check(path: &Path) -> Result<(), SqliteError> {
    TRACE.open_to_read(path).and_then(|connection| TRACE.check(&connection, path))
}
