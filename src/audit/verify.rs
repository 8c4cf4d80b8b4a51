//! Whether an audit is as it was written.

use std::path::{Path, PathBuf};

use rusqlite::Row;
use rusqlite::types::ValueRef;
use thiserror::Error;

use super::chain::{BEGINNING, COLUMNS, HASHED, hash};
use super::schema::AUDIT;
use crate::sqlite::SqliteError;

#[derive(Debug, Error)]
pub enum VerifyError {
    #[error(transparent)]
    File(#[from] SqliteError),
    #[error(
        "{}: {reason}: the audit was changed after it was written; compare it with a copy", path.display()
    )]
    Misfit { path: PathBuf, entry: i64, reason: String },
}

/// An audit whose entries all fit.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Verified {
    pub entries: u64,
    /// The hash of the last entry; empty where there is none.
    pub last_hash: String,
    /// How many entries were never written, as those that were say.
    pub lost: u64,
    /// The number of the entry with the hash that is expected, if it is there.
    pub expected: Option<i64>,
}

/// Reads all entries, also while a station writes. The error names the first one that does not fit. `expect`: the hash of an
/// entry, which somebody noted when it was the last one.
pub fn verify(path: &Path, expect: Option<&str>) -> Result<Verified, VerifyError> {
    let connection = AUDIT.open_to_read(path)?;
    AUDIT.check(&connection, path)?;
    let failed = |source| SqliteError::of(AUDIT, path, source);
    let sql = format!("SELECT {COLUMNS}, hash FROM audit ORDER BY entry");
    let mut statement = connection.prepare(&sql).map_err(failed)?;
    let mut rows = statement.query([]).map_err(failed)?;
    let mut found = Verified { last_hash: BEGINNING.into(), ..Verified::default() };
    while let Some(row) = rows.next().map_err(failed)? {
        let link = link(row, &found.last_hash).map_err(failed)?;
        let next = found.entries as i64 + 1;
        let misfit = |reason| VerifyError::Misfit { path: path.into(), entry: link.entry, reason };
        if link.entry != next {
            return Err(misfit(format!("entry {} stands where entry {next} is expected", link.entry)));
        }
        if link.hash != link.computed {
            return Err(misfit(format!(
                "entry {next} does not fit: its hash is not that of its content and of the entry before it"
            )));
        }
        if expect.is_some_and(|expect| expect.eq_ignore_ascii_case(&link.hash)) {
            found.expected = Some(next);
        }
        found = Verified {
            entries: found.entries + 1,
            lost: found.lost.saturating_add(link.lost.max(0) as u64),
            last_hash: link.hash,
            ..found
        };
    }
    Ok(found)
}

/// What ties an entry to the one before it.
struct Link {
    entry: i64,
    lost: i64,
    hash: String,
    /// What its hash has to be.
    computed: String,
}

fn link(row: &Row<'_>, before: &str) -> rusqlite::Result<Link> {
    let values = (0..HASHED).map(|column| row.get_ref(column)).collect::<rusqlite::Result<Vec<ValueRef<'_>>>>()?;
    let computed = hash(before, values);
    Ok(Link { entry: row.get(0)?, lost: row.get(HASHED - 1)?, hash: row.get(HASHED)?, computed })
}
