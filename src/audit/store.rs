//! The file while a station runs: entries are appended, and each is on the disk before the next are taken.

use std::path::{Path, PathBuf};

use rusqlite::types::{Value, ValueRef};
use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params_from_iter};

use super::chain::{BEGINNING, COLUMNS, HASHED, hash};
use super::entry::{Entry, cut};
use super::schema::AUDIT;
use crate::sqlite::{Lock, SqliteError};

/// An entry, and when it was recorded, milliseconds since 1970.
pub type Timed = (u64, Entry);

/// The last entry of the file.
#[derive(Clone)]
struct Tail {
    entry: i64,
    hash: String,
}

pub struct Store {
    /// None while the disk is too full to open the file. The tail is kept here: an entry that somebody removes while the
    /// station runs leaves a gap that is found.
    open: Option<(Connection, Tail)>,
    path: PathBuf,
    /// Dropped after the connection.
    _lock: Lock,
}

impl Store {
    /// Opens and checks the file. A disk that cannot be written is no error: the file is opened once it can.
    pub fn open(path: &Path) -> Result<Self, SqliteError> {
        let lock = Lock::take(AUDIT, path)?;
        let open = match connect(path) {
            Ok(open) => Some(open),
            Err(error) if error.is_of_the_disk() => {
                log::error!("the audit is not written: {error}; check the disk, and audit.file");
                None
            }
            Err(error) => return Err(error),
        };
        Ok(Self { open, path: path.into(), _lock: lock })
    }

    pub fn is_open(&self) -> bool {
        self.open.is_some()
    }

    /// Appends entries. `lost`: how many were lost before the first of them. After an error the file is as it was before.
    pub fn append(&mut self, entries: &[Timed], lost: u64) -> Result<(), SqliteError> {
        let (connection, tail) = match &mut self.open {
            Some(open) => open,
            none => none.insert(connect(&self.path)?),
        };
        *tail = append(connection, tail.clone(), entries, lost)
            .map_err(|source| SqliteError::of(AUDIT, &self.path, source))?;
        Ok(())
    }
}

/// Opens the file, and checks it: whatever ended the last run may have damaged it.
fn connect(path: &Path) -> Result<(Connection, Tail), SqliteError> {
    let connection = AUDIT.open(path)?;
    AUDIT.check_if_small(&connection, path)?;
    let last = connection.query_row("SELECT entry, hash FROM audit ORDER BY entry DESC LIMIT 1", [], |row| {
        Ok(Tail { entry: row.get(0)?, hash: row.get(1)? })
    });
    let last = last.optional().map_err(|source| SqliteError::of(AUDIT, path, source))?;
    Ok((connection, last.unwrap_or_else(|| Tail { entry: 0, hash: BEGINNING.into() })))
}

fn append(connection: &mut Connection, mut tail: Tail, entries: &[Timed], mut lost: u64) -> rusqlite::Result<Tail> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let places = ["?"; HASHED + 1].join(", ");
    let mut insert = transaction.prepare(&format!("INSERT INTO audit ({COLUMNS}, hash) VALUES ({places})"))?;
    for entry in entries {
        let values = values(tail.entry + 1, entry, std::mem::take(&mut lost));
        let hash = hash(&tail.hash, values.iter().map(ValueRef::from));
        insert.execute(params_from_iter(values.into_iter().chain([Value::from(hash.clone())])))?;
        tail = Tail { entry: tail.entry + 1, hash };
    }
    drop(insert);
    transaction.commit()?;
    Ok(tail)
}

/// The values of an entry, in the order of the columns.
fn values(number: i64, (unix_ms, entry): &Timed, lost: u64) -> [Value; HASHED] {
    let Entry { by, what, before, after, outcome } = entry;
    let text = |text: &str| Value::from(cut(text).to_string());
    [
        number.into(),
        (*unix_ms as i64).into(),
        text(&by.who),
        by.role.map(|role| role.name().to_string()).into(),
        by.from.map(|from| from.to_string()).into(),
        text(by.way.name()),
        text(what.name()),
        text(before),
        text(after),
        text(outcome),
        (lost as i64).into(),
    ]
}
