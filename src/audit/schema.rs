//! The table of the file.

use std::path::Path;

use crate::sqlite::{Kind, SqliteError};

/// Times are milliseconds since 1970, UTC. The triggers keep whoever uses SQLite from changing an entry by mistake; whoever
/// means to can drop them, and then the hashes tell. An entry is not replaced by one of the same number either.
const TABLES: &str = "
CREATE TABLE audit (
    entry INTEGER PRIMARY KEY,
    unix_ms INTEGER NOT NULL,
    who TEXT NOT NULL,
    role TEXT,
    from_address TEXT,
    way TEXT NOT NULL,
    what TEXT NOT NULL,
    before TEXT NOT NULL,
    after TEXT NOT NULL,
    outcome TEXT NOT NULL,
    lost INTEGER NOT NULL,
    hash TEXT NOT NULL
) STRICT;
CREATE INDEX audit_by_time ON audit (unix_ms);
CREATE TRIGGER audit_is_not_changed BEFORE UPDATE ON audit
    BEGIN SELECT RAISE(ABORT, 'an audit is only appended to'); END;
CREATE TRIGGER audit_is_not_shortened BEFORE DELETE ON audit
    BEGIN SELECT RAISE(ABORT, 'an audit is only appended to'); END;
CREATE TRIGGER audit_is_not_replaced BEFORE INSERT ON audit
    WHEN EXISTS (SELECT 1 FROM audit WHERE entry = NEW.entry)
    BEGIN SELECT RAISE(ABORT, 'an audit is only appended to'); END;
";

/// The file of an audit.
pub const AUDIT: Kind = Kind { name: "audit", application: 0x4343_4175, format: 1, tables: TABLES };

/// Reads the whole file at `path`, and says which of its pages is damaged.
pub fn check(path: &Path) -> Result<(), SqliteError> {
    AUDIT.open_to_read(path).and_then(|connection| AUDIT.check(&connection, path))
}
