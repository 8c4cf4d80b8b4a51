//! What is written, what is found when it is changed, and what is lost.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::Connection;
use tempfile::TempDir;

use super::store::Store;
use super::{Audit, Entry, Query, Reader, Verified, VerifyError, What, check, verify};
use crate::action::{By, Way};
use crate::people::Role;
use crate::runtime::FAULT_NAMES;
use crate::runtime::metrics::{Count, Metrics};
use crate::sqlite::SqliteError;

struct Bench {
    folder: TempDir,
}

fn entry(number: usize) -> Entry {
    let from = IpAddr::from([10, 0, 0, 7]);
    let by = match number % 3 {
        0 => By::person("anna".into(), Role::Engineer, from),
        1 => By::token(from),
        _ => By::machine(Way::Mqtt, None),
    };
    let what = if number.is_multiple_of(2) { What::Threshold } else { What::Hold };
    Entry { by, what, before: format!("0.{number}"), after: "=1+1".into(), outcome: "done".into() }
}

impl Bench {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("audit.sqlite")
    }

    /// A file of so many entries, a millisecond apart.
    fn of(count: usize) -> Self {
        let bench = Self::new();
        let mut store = Store::open(&bench.path()).unwrap();
        for number in 0..count {
            store.append(&[(1_000 + number as u64, entry(number))], 0).unwrap();
        }
        bench
    }

    fn verify(&self) -> Result<Verified, VerifyError> {
        verify(&self.path(), None)
    }

    /// Changes the file as somebody does who means to.
    fn tamper(&self, sql: &str) {
        let connection = Connection::open(self.path()).unwrap();
        for trigger in ["changed", "shortened", "replaced"] {
            connection.execute_batch(&format!("DROP TRIGGER audit_is_not_{trigger}")).unwrap();
        }
        assert!(connection.execute(sql, []).unwrap() > 0, "{sql}");
    }

    fn csv(&self, query: &Query) -> String {
        let mut text = Vec::new();
        Reader::open(&self.path()).unwrap().write_csv(query, &mut text).unwrap();
        String::from_utf8(text).unwrap()
    }

    fn text(&self, sql: &str) -> String {
        Connection::open(self.path()).unwrap().query_row(sql, [], |row| row.get(0)).unwrap()
    }
}

#[test]
fn entries_are_a_chain_that_a_later_run_goes_on_with() {
    let bench = Bench::of(3);
    let first = bench.verify().unwrap();
    assert_eq!((first.entries, first.lost, first.last_hash.len()), (3, 0, 64));
    let mut store = Store::open(&bench.path()).unwrap();
    store.append(&[(2_000, entry(3)), (2_001, entry(4))], 7).unwrap();
    // While the station runs.
    let second = verify(&bench.path(), Some(&first.last_hash.to_uppercase())).unwrap();
    assert_eq!((second.entries, second.lost, second.expected), (5, 7, Some(3)));
    assert_eq!(second.last_hash, bench.text("SELECT hash FROM audit WHERE entry = 5"));
    assert_eq!(verify(&bench.path(), Some(&"0".repeat(64))).unwrap().expected, None);
    drop(store);
    check(&bench.path()).unwrap();
}

#[test]
fn the_first_entry_that_does_not_fit_is_named() {
    for column in
        ["unix_ms", "who", "role", "from_address", "way", "what", "before", "after", "outcome", "lost", "hash"]
    {
        let bench = Bench::of(9);
        bench.tamper(&format!("UPDATE audit SET {column} = '77' WHERE entry IN (4, 7)"));
        let error = bench.verify().unwrap_err();
        assert!(matches!(error, VerifyError::Misfit { entry: 4, .. }), "{column}: {error}");
        assert!(error.to_string().contains("entry 4 does not fit"), "{error}");
        // A station still goes on with it.
        Store::open(&bench.path()).unwrap().append(&[(1, entry(1))], 0).unwrap();
        assert!(matches!(bench.verify(), Err(VerifyError::Misfit { entry: 4, .. })));
    }
    let gone = Bench::of(9);
    gone.tamper("DELETE FROM audit WHERE entry = 4");
    assert!(gone.verify().unwrap_err().to_string().contains("entry 5 stands where entry 4 is expected"));
    let first = Bench::of(2);
    first.tamper("DELETE FROM audit WHERE entry = 1");
    assert!(first.verify().is_err());
    let twice = Bench::of(9);
    twice.tamper("UPDATE audit SET entry = -4 WHERE entry = 4");
    assert!(matches!(twice.verify(), Err(VerifyError::Misfit { entry: -4, .. })));
}

#[test]
fn a_tail_that_was_cut_shows_by_a_hash_that_was_noted() {
    let bench = Bench::of(5);
    let noted = bench.verify().unwrap().last_hash;
    bench.tamper("DELETE FROM audit WHERE entry > 3");
    let found = verify(&bench.path(), Some(&noted)).unwrap();
    assert_eq!((found.entries, found.expected), (3, None));
}

#[test]
fn a_tail_that_is_cut_while_the_station_runs_leaves_a_gap() {
    let bench = Bench::of(5);
    let mut store = Store::open(&bench.path()).unwrap();
    bench.tamper("DELETE FROM audit WHERE entry > 3");
    store.append(&[(1, entry(5))], 0).unwrap();
    assert!(bench.verify().unwrap_err().to_string().contains("entry 6 stands where entry 4 is expected"));
}

#[test]
fn an_entry_is_not_changed_by_mistake() {
    let bench = Bench::of(3);
    let connection = Connection::open(bench.path()).unwrap();
    for sql in [
        "UPDATE audit SET who = 'x'",
        "DELETE FROM audit",
        "DELETE FROM audit WHERE entry = 3",
        "INSERT OR REPLACE INTO audit SELECT entry, 0, who, role, from_address, way, what, before, after, outcome, lost, hash
         FROM audit WHERE entry = 2",
    ] {
        let error = connection.execute(sql, []).unwrap_err().to_string();
        assert!(error.contains("only appended to"), "{sql}: {error}");
    }
    assert_eq!(bench.verify().unwrap().entries, 3);
}

// What a power cut leaves where the disk had not written the end.
#[test]
fn a_log_that_ends_within_an_entry_costs_that_entry_alone() {
    let bench = Bench::new();
    let mut store = Store::open(&bench.path()).unwrap();
    let log = bench.folder.path().join("audit.sqlite-wal");
    let mut sizes = Vec::new();
    for number in 0..20 {
        store.append(&[(number, entry(number as usize))], 0).unwrap();
        sizes.push(std::fs::metadata(&log).unwrap().len() as usize);
    }
    let (file, log) = (std::fs::read(bench.path()).unwrap(), std::fs::read(&log).unwrap());
    for (known, size) in sizes.iter().enumerate().skip(1) {
        let copy = Bench::new();
        std::fs::write(copy.path(), &file).unwrap();
        std::fs::write(copy.folder.path().join("audit.sqlite-wal"), &log[..size - 1]).unwrap();
        let mut again = Store::open(&copy.path()).unwrap();
        assert_eq!(copy.verify().unwrap().entries, known as u64);
        again.append(&[(99, entry(99))], 0).unwrap();
        assert_eq!(copy.verify().unwrap().entries, known as u64 + 1);
    }
}

#[test]
fn entries_are_printed_that_fit_all_that_is_given() {
    let bench = Bench::of(9);
    let text = bench.csv(&Query::default());
    let rows: Vec<&str> = text.lines().collect();
    assert_eq!(rows[0], "entry,utc,who,role,from_address,way,what,before,after,outcome,lost,hash");
    // A spreadsheet would calculate it.
    assert!(rows[1].starts_with("1,1970-01-01T00:00:01.000Z,anna,engineer,10.0.0.7,page,threshold,0.0,'=1+1,done,0,"));
    assert!(rows[3].starts_with("3,1970-01-01T00:00:01.002Z,mqtt,,,mqtt,threshold,0.2,"), "{}", rows[3]);
    let count = |query: Query| bench.csv(&query).lines().count() - 1;
    assert_eq!(count(Query { who: Some("anna".into()), ..Query::default() }), 3);
    assert_eq!(count(Query { who: Some("anna".into()), what: Some(What::Hold), ..Query::default() }), 1);
    assert_eq!(count(Query { from_unix_ms: Some(1_002), to_unix_ms: Some(1_005), ..Query::default() }), 3);
}

#[test]
fn what_is_recorded_is_written_before_the_end_and_what_is_lost_is_told() {
    let bench = Bench::new();
    let metrics = Arc::new(Metrics::new(&FAULT_NAMES));
    let (audit, scribe) = Audit::start(&bench.path(), metrics.clone()).unwrap();
    let other = scribe.clone();
    (0..100).for_each(|number| scribe.record(entry(number)));
    other.record(Entry { before: "x".repeat(10_000), ..entry(7) });
    drop(audit);
    assert_eq!(bench.verify().unwrap().entries, 101);
    assert_eq!(bench.text("SELECT before FROM audit WHERE entry = 101").len(), 2000);
    assert_eq!((metrics.total(Count::AuditWritten), metrics.total(Count::AuditLost)), (101, 0));
    // Another program has locked the file: as many wait as may.
    let (audit, scribe) = Audit::start(&bench.path(), metrics.clone()).unwrap();
    let connection = Connection::open(bench.path()).unwrap();
    connection.execute_batch("BEGIN IMMEDIATE").unwrap();
    for number in 0..3_000 {
        scribe.record(entry(number));
    }
    let lost = metrics.total(Count::AuditLost);
    assert!(lost >= 3_000 - 64 - 1024, "{lost}");
    drop(connection);
    while metrics.total(Count::AuditWritten) + lost < 3_101 {
        std::thread::yield_now();
    }
    scribe.record(entry(0));
    drop(audit);
    let found = bench.verify().unwrap();
    assert_eq!((found.entries + lost, found.lost), (3_102, lost));
}

#[test]
fn a_file_that_is_no_audit_is_refused_and_left_as_it_is() {
    let bench = Bench::new();
    std::fs::write(bench.path(), "who;what\n".repeat(500)).unwrap();
    let error = Store::open(&bench.path()).map(drop).unwrap_err().to_string();
    assert!(error.contains("is no audit") && error.contains("audit.file"), "{error}");
    assert_eq!(std::fs::read(bench.path()).unwrap(), "who;what\n".repeat(500).into_bytes());
    let absent = verify(Path::new("nowhere.sqlite"), None).unwrap_err().to_string();
    assert!(absent.contains("there is no audit nowhere.sqlite"), "{absent}");
    let held = Bench::of(1);
    let _station = Store::open(&held.path()).unwrap();
    assert!(matches!(Store::open(&held.path()), Err(SqliteError::InUse { .. })));
}
