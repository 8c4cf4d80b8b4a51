//! The file while a station runs: what is new is written as one transaction.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, Transaction, TransactionBehavior, params};

use super::ending::Ending;
use super::pending::{LostRange, Pending};
use super::row::Row;
use super::schema::TRACE;
use crate::clock;
use crate::files::hex;
use crate::reject::part::PartOutcome;
use crate::sqlite::{Lock, SqliteError};

/// Rows that one transaction removes at most, so that it stays short.
const REMOVED_MAX: u64 = 1000;

const UPSERT: &str = "
INSERT OR REPLACE INTO parts (
    run, part, state, identity, recipe, triggered_unix_ms, captured_unix_ms, judged_unix_ms, settled_unix_ms,
    verdict, score, threshold, review, reason, outcome, late, doubtful, defects, worst_kind, worst_x, worst_y,
    worst_area_mm2, capture_to_verdict_ms, engine
) VALUES (
    ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23,
    (SELECT engine FROM engines WHERE sha256 = ?24)
)";

/// Which file, and what is written into it.
#[derive(Clone, Debug, PartialEq)]
pub struct StoreOptions {
    pub path: PathBuf,
    /// The name of the station.
    pub station: String,
    /// Rows that the file has at most: the oldest are removed.
    pub parts_max: u64,
}

pub struct Store {
    /// None while the disk is too full to open the file.
    connection: Option<Connection>,
    options: StoreOptions,
    /// The number of this run, once it has its row.
    run: Option<i64>,
    /// Rows in the file.
    rows: u64,
    /// Dropped after the connection.
    _lock: Lock,
}

impl Store {
    /// Opens the file, checks it, and begins a run in it. A disk that cannot be written is no error: the run begins once it
    /// can.
    pub fn open(options: &StoreOptions) -> Result<Self, SqliteError> {
        let lock = Lock::take(TRACE, &options.path)?;
        let mut store = Self { connection: None, options: options.clone(), run: None, rows: 0, _lock: lock };
        match store.write(&mut std::iter::empty(), &Pending::new(0), None) {
            Err(error) if !error.is_of_the_disk() => Err(error),
            Err(error) => {
                log::error!("the trace is not written: {error}; check the disk, and trace.file");
                Ok(store)
            }
            Ok(()) => Ok(store),
        }
    }

    /// Whether the run has begun in the file.
    pub fn is_open(&self) -> bool {
        self.run.is_some()
    }

    /// Writes rows that are new or have changed, and what is pending; at the end, how the run ended. After an error the
    /// file is as it was before.
    pub fn write(
        &mut self,
        rows: &mut dyn Iterator<Item = &Row>,
        pending: &Pending,
        ending: Option<Ending>,
    ) -> Result<(), SqliteError> {
        if self.connection.is_none() {
            let (connection, rows) = connect(&self.options.path)?;
            (self.connection, self.rows) = (Some(connection), rows);
        }
        let Some(connection) = &mut self.connection else { return Ok(()) };
        let step = Step { options: &self.options, run: self.run, rows: self.rows };
        let written = step
            .write(connection, rows, pending, ending)
            .map_err(|error| SqliteError::of(TRACE, &self.options.path, error));
        if written.is_err() {
            // What is in the log already goes into the file, so that the log's room can be used again.
            let _ = connection.execute_batch("PRAGMA wal_checkpoint");
        }
        let (run, rows) = written?;
        (self.run, self.rows) = (Some(run), rows);
        Ok(())
    }

    #[cfg(test)]
    pub fn connection(&self) -> &Connection {
        self.connection.as_ref().unwrap()
    }
}

/// Opens and checks the file. Returns how many rows it has.
fn connect(path: &Path) -> Result<(Connection, u64), SqliteError> {
    let connection = TRACE.open(path)?;
    let number = |sql: &str| -> Result<i64, SqliteError> {
        connection.query_row(sql, [], |row| row.get(0)).map_err(|error| SqliteError::of(TRACE, path, error))
    };
    // Whatever killed the last run may have damaged the file.
    if number("SELECT COUNT(*) FROM runs WHERE how_ended IS NULL")? > 0 {
        TRACE.check_if_small(&connection, path)?;
    }
    let rows = number("SELECT COALESCE(SUM(parts), 0) FROM runs")?;
    Ok((connection, rows as u64))
}

/// One transaction, with what is known of the file before it.
struct Step<'a> {
    options: &'a StoreOptions,
    run: Option<i64>,
    rows: u64,
}

impl Step<'_> {
    /// Returns the number of the run and how many rows the file has.
    fn write(
        self,
        connection: &mut Connection,
        rows: &mut dyn Iterator<Item = &Row>,
        pending: &Pending,
        ending: Option<Ending>,
    ) -> rusqlite::Result<(i64, u64)> {
        let now_ms = clock::unix_ms(clock::monotonic_ns()) as i64;
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let run = match self.run {
            Some(run) => run,
            None => begin(&transaction, self.options, now_ms)?,
        };
        for range in pending.lost() {
            lose(&transaction, run, range)?;
        }
        let mut over = pending.rows().filter(|row| row.dirty || !row.stored);
        let added = put(&transaction, run, &mut over)? + put(&transaction, run, rows)?;
        transaction.execute(
            "UPDATE runs SET committed_unix_ms = ?2, parts = parts + ?3 WHERE run = ?1",
            params![run, now_ms, added as i64],
        )?;
        if let Some(ending) = ending {
            transaction.execute(
                "UPDATE runs SET ended_unix_ms = ?2, how_ended = ?3 WHERE run = ?1",
                params![run, now_ms, ending.name()],
            )?;
        }
        let excess = (self.rows + added).saturating_sub(self.options.parts_max);
        let removed = if excess > 0 { remove_oldest(&transaction, run, excess)? } else { 0 };
        transaction.commit()?;
        Ok((run, self.rows + added - removed))
    }
}

/// Begins a run. One that has not ended was killed, and what was on its way then has no end.
fn begin(transaction: &Transaction, options: &StoreOptions, now_ms: i64) -> rusqlite::Result<i64> {
    transaction.execute(
        "UPDATE parts SET state = 'unfinished'
         WHERE state <> 'finished' AND state = 'on_its_way' AND run IN (SELECT run FROM runs WHERE how_ended IS NULL)",
        [],
    )?;
    transaction.execute(
        "UPDATE runs SET how_ended = 'killed', ended_unix_ms = committed_unix_ms WHERE how_ended IS NULL",
        [],
    )?;
    transaction.execute(
        "INSERT INTO runs (station, version, started_unix_ms, committed_unix_ms) VALUES (?1, ?2, ?3, ?3)",
        params![options.station, env!("CARGO_PKG_VERSION"), now_ms],
    )?;
    Ok(transaction.last_insert_rowid())
}

/// Records parts of which something was lost; rows of them that are there already are marked.
fn lose(transaction: &Transaction, run: i64, range: &LostRange) -> rusqlite::Result<()> {
    let (first, last, count) = (range.first as i64, range.last as i64, range.count as i64);
    let longer = transaction.execute(
        "UPDATE lost SET last = ?3, count = count + ?4 WHERE run = ?1 AND last = ?2 - 1 AND reason = ?5",
        params![run, first, last, count, range.cause.name()],
    )?;
    if longer == 0 {
        transaction.execute(
            "INSERT INTO lost (run, first, last, count, reason) VALUES (?1, ?2, ?3, ?4, ?5)",
            params![run, first, last, count, range.cause.name()],
        )?;
    }
    transaction.execute(
        "UPDATE parts SET state = 'incomplete'
         WHERE run = ?1 AND part BETWEEN ?2 AND ?3 AND state = 'on_its_way'",
        params![run, first, last],
    )?;
    Ok(())
}

/// Writes rows, and returns how many of them are new.
fn put(transaction: &Transaction, run: i64, rows: &mut dyn Iterator<Item = &Row>) -> rusqlite::Result<u64> {
    let mut engine = None;
    let mut added = 0;
    let mut upsert = transaction.prepare(UPSERT)?;
    for row in rows {
        let judged = row.judged.as_ref();
        if let Some(judged) = judged.filter(|judged| engine != Some(judged.engine)) {
            let sha256 = hex(&judged.engine);
            transaction.execute("INSERT INTO engines (sha256) VALUES (?1) ON CONFLICT DO NOTHING", [sha256])?;
            engine = Some(judged.engine);
        }
        let announced = row.announced.as_ref();
        let worst = judged.and_then(|judged| judged.worst);
        let no_number = judged.and_then(|judged| judged.score).is_some_and(f32::is_nan).then_some("not_a_number");
        let reason = judged.and_then(|judged| judged.reason).or(row.unjudged.map(|why| why.name())).or(no_number);
        upsert.execute(params![
            run,
            row.part as i64,
            row.state().name(),
            announced.map(|announced| announced.identity.text()),
            announced.map(|announced| announced.recipe),
            announced.map(|announced| row.unix_ms(announced.at_ns)),
            judged.map(|judged| row.unix_ms(judged.captured_ns)),
            judged.map(|judged| row.unix_ms(judged.judged_ns)),
            row.settled.map(|(at_ns, _)| row.unix_ms(at_ns)),
            judged.map(|judged| judged.verdict.to_string()),
            judged.and_then(|judged| judged.score).map(decimal),
            judged.map(|judged| decimal(judged.threshold)),
            judged.and_then(|judged| judged.review).map(decimal),
            reason,
            row.settled.map(|(_, outcome)| word(outcome)),
            row.late,
            judged.is_some_and(|judged| judged.doubtful),
            judged.map(|judged| judged.defects),
            worst.map(|worst| worst.kind.name()),
            worst.map(|worst| decimal(worst.at[0])),
            worst.map(|worst| decimal(worst.at[1])),
            worst.and_then(|worst| worst.area_mm2).map(decimal),
            judged.map(|judged| clock::between(judged.captured_ns, judged.judged_ns).as_micros() as f64 * 1e-3),
            judged.map(|judged| hex(&judged.engine)),
        ])?;
        added += u64::from(!row.stored);
    }
    Ok(added)
}

/// The same number in decimal digits: 0.7, and not 0.699999988079071.
fn decimal(value: f32) -> f64 {
    value.to_string().parse().unwrap_or(f64::from(value))
}

fn word(outcome: PartOutcome) -> &'static str {
    match outcome {
        PartOutcome::Passed => "passed",
        PartOutcome::Rejected => "rejected",
        PartOutcome::Caught => "caught",
        PartOutcome::Missed => "missed",
    }
}

/// Removes up to `excess` of the oldest rows, with runs of which no row is left. Returns how many rows.
fn remove_oldest(transaction: &Transaction, run: i64, excess: u64) -> rusqlite::Result<u64> {
    let oldest: i64 =
        transaction.query_row("SELECT COALESCE(MIN(run), ?1) FROM runs WHERE parts > 0", [run], |row| row.get(0))?;
    let removed = transaction.execute(
        "DELETE FROM parts WHERE run = ?1 AND part IN (SELECT part FROM parts WHERE run = ?1 ORDER BY part LIMIT ?2)",
        params![oldest, excess.min(REMOVED_MAX) as i64],
    )?;
    transaction.execute("UPDATE runs SET parts = parts - ?2 WHERE run = ?1", params![oldest, removed as i64])?;
    for table in ["lost", "runs"] {
        let sql = format!(
            "DELETE FROM {table} WHERE run < (SELECT COALESCE(MIN(run), ?1) FROM runs WHERE parts > 0 OR run = ?1)"
        );
        transaction.execute(&sql, [run])?;
    }
    Ok(removed as u64)
}
