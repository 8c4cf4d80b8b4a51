use std::path::{Path, PathBuf};

use rusqlite::Connection;
use tempfile::TempDir;

use super::joiner::Joiner;
use super::message::{Judged, Message, Worst};
use super::pending::Pending;
use super::store::{Store, StoreOptions};
use super::{Ending, Query, Reader, What, check};
use crate::defects::Kind;
use crate::identity::Identity;
use crate::reject::part::PartOutcome;
use crate::score::Verdict;
use crate::sqlite::SqliteError;

/// A file in a folder of its own, and what a run writes into it.
struct Bench {
    folder: TempDir,
    parts_max: u64,
}

/// A run that is under way.
struct Run {
    store: Store,
    joiner: Joiner,
    pending: Pending,
}

impl Bench {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), parts_max: 1_000_000 }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("trace.sqlite")
    }

    fn open(&self) -> Result<Store, SqliteError> {
        Store::open(&StoreOptions { path: self.path(), station: "line-1".into(), parts_max: self.parts_max })
    }

    fn run(&self, rows_max: usize) -> Run {
        Run { store: self.open().unwrap(), joiner: Joiner::default(), pending: Pending::new(rows_max) }
    }

    fn csv(&self, what: What, query: &Query) -> String {
        let mut text = Vec::new();
        Reader::open(&self.path()).unwrap().write_csv(what, query, &mut text).unwrap();
        String::from_utf8(text).unwrap()
    }

    fn number(&self, sql: &str) -> i64 {
        Connection::open(self.path()).unwrap().query_row(sql, [], |row| row.get(0)).unwrap()
    }
}

impl Run {
    fn announce(&mut self, part: u64, name: &str) {
        let (at_ns, recipe) = (100_000_000 * part, (part % 2) as u16);
        let identity = Identity::new(name).unwrap();
        self.joiner.take(&Message::Triggered { part, at_ns, recipe, identity }, at_ns);
    }

    fn finish(&mut self, part: u64, verdict: Verdict) {
        let captured_ns = 100_000_000 * part;
        let rejected = verdict != Verdict::Pass;
        let worst = rejected.then_some(Worst { kind: Kind::Shape, at: [3.5, 4.0], area_mm2: Some(0.7) });
        let judged = Judged {
            part,
            captured_ns,
            judged_ns: captured_ns + 42_500_000,
            verdict,
            score: Some(0.7),
            threshold: 0.9,
            review: None,
            reason: None,
            doubtful: false,
            defects: u32::from(rejected),
            worst,
            engine: [0xab; 32],
        };
        self.joiner.take(&Message::Judged(judged), captured_ns);
        let outcome = if rejected { PartOutcome::Rejected } else { PartOutcome::Passed };
        self.joiner.take(&Message::Settled { part, at_ns: captured_ns + 99_000_000, outcome }, captured_ns);
        self.joiner.hand_over(captured_ns, &mut self.pending);
    }

    fn whole(&mut self, part: u64, verdict: Verdict) {
        self.announce(part, &format!("SN{part}"));
        self.finish(part, verdict);
    }

    fn write(&mut self, ending: Option<Ending>) -> bool {
        let written = self.store.write(&mut self.joiner.dirty(), &self.pending, ending);
        if written.is_ok() {
            self.joiner.is_stored();
            self.pending.clear();
        }
        written.is_ok()
    }

    fn end(mut self, ending: Ending) {
        self.joiner.hand_over_all(&mut self.pending);
        assert!(self.write(Some(ending)));
    }

    /// Lets the file grow by so many pages at most.
    fn limit(&self, more: i64) {
        let connection = self.store.connection();
        let pages: i64 = connection.query_row("PRAGMA page_count", [], |row| row.get(0)).unwrap();
        connection.query_row(&format!("PRAGMA max_page_count = {}", pages + more), [], |_| Ok(())).unwrap();
    }
}

#[test]
fn a_row_has_what_was_told_of_its_part() {
    let bench = Bench::new();
    let mut run = bench.run(100);
    run.whole(0, Verdict::Reject);
    run.announce(1, "=1+1");
    run.end(Ending::Clean);
    let text = bench.csv(What::Parts, &Query::default());
    let rows: Vec<&str> = text.lines().collect();
    assert!(rows[0].starts_with("run,part,identity,recipe,state,triggered_utc,"), "{}", rows[0]);
    assert!(rows[1].starts_with("1,0,SN0,0,finished,20"), "{}", rows[1]);
    assert!(rows[1].contains(",reject,0.7,0.9,,,rejected,0,0,1,shape,3.5,4,0.7,42.5,abab"), "{}", rows[1]);
    assert!(rows[1].ends_with(&format!(",line-1,{}", env!("CARGO_PKG_VERSION"))), "{}", rows[1]);
    // A spreadsheet would calculate it.
    assert!(rows[2].starts_with("1,1,'=1+1,1,unfinished,20"), "{}", rows[2]);
    assert_eq!(rows.len(), 3);
}

#[test]
fn only_parts_that_fit_all_that_is_given_are_read() {
    let bench = Bench::new();
    let mut run = bench.run(100);
    for part in 0..20 {
        run.whole(part, if part % 5 == 0 { Verdict::Reject } else { Verdict::Pass });
    }
    run.end(Ending::Clean);
    let count = |query: &Query| bench.csv(What::Parts, query).lines().count() - 1;
    let at = |part: i64| bench.number(&format!("SELECT triggered_unix_ms FROM parts WHERE part = {part}"));
    assert_eq!(count(&Query { verdict: Some(Verdict::Reject), ..Query::default() }), 4);
    assert_eq!(count(&Query { verdict: Some(Verdict::Reject), recipe: Some(1), ..Query::default() }), 2);
    assert_eq!(count(&Query { identity: Some("SN7".into()), ..Query::default() }), 1);
    let shift = Query { from_unix_ms: Some(at(5)), to_unix_ms: Some(at(12)), ..Query::default() };
    assert_eq!(count(&shift), 7);
}

#[test]
fn a_run_that_was_killed_says_where_knowledge_ends() {
    let bench = Bench::new();
    let mut run = bench.run(100);
    (0..6).for_each(|part| run.whole(part, Verdict::Pass));
    (6..9).for_each(|part| run.announce(part, "on the belt"));
    assert!(run.write(None));
    let lost = "run,first,last,parts,reason\n";
    // While the station runs, nothing is lost.
    assert_eq!(bench.csv(What::Lost, &Query::default()), lost);
    assert!(bench.csv(What::Runs, &Query::default()).contains(",running,9\n"));
    drop(run);
    let known = format!("{lost}1,6,8,3,unfinished\n1,9,,,killed\n");
    assert_eq!(bench.csv(What::Lost, &Query::default()), known);
    bench.run(100).end(Ending::Clean);
    assert_eq!(bench.csv(What::Lost, &Query::default()), known);
    let runs = bench.csv(What::Runs, &Query::default());
    assert!(runs.contains(",killed,9\n") && runs.contains(",clean,0\n"), "{runs}");
}

#[test]
fn a_full_disk_loses_the_parts_that_it_names_and_no_other() {
    let bench = Bench::new();
    let mut run = bench.run(200);
    (0..10).for_each(|part| run.whole(part, Verdict::Pass));
    run.announce(10, "on the belt");
    assert!(run.write(None));
    run.limit(0);
    for part in 10..5000 {
        match part {
            10 => run.finish(part, Verdict::Pass),
            _ => run.whole(part, Verdict::Pass),
        }
        if part % 500 == 0 && part > 400 {
            assert!(!run.write(None), "part {part}");
        }
    }
    run.limit(10_000);
    assert!(run.write(None));
    (5000..5010).for_each(|part| run.whole(part, Verdict::Pass));
    run.end(Ending::Clean);
    let lost = bench.csv(What::Lost, &Query::default());
    let range: Vec<u64> = lost.lines().nth(1).unwrap().split(',').filter_map(|field| field.parse().ok()).collect();
    let [1, first, 4999, count] = range[..] else { panic!("{lost}") };
    assert_eq!((lost.lines().count(), count), (2, 5000 - first), "{lost}");
    assert!(first >= 200, "what finds room is kept: {lost}");
    assert_eq!(bench.number("SELECT COUNT(*) FROM parts WHERE state = 'finished'") as u64, first + 10);
    assert_eq!(bench.number("SELECT COUNT(*) FROM parts WHERE state <> 'finished'"), 0);
    check(&bench.path()).unwrap();
}

#[test]
fn the_oldest_parts_go_first_and_their_runs_with_them() {
    let bench = Bench { parts_max: 1000, ..Bench::new() };
    for parts in [700, 800, 900] {
        let mut run = bench.run(5000);
        for part in 0..parts {
            run.whole(part, Verdict::Pass);
            if part % 50 == 0 {
                assert!(run.write(None));
            }
        }
        run.end(Ending::Clean);
        assert!(bench.number("SELECT COUNT(*) FROM parts") <= 1000);
    }
    assert_eq!(bench.number("SELECT SUM(parts) FROM runs"), bench.number("SELECT COUNT(*) FROM parts"));
    assert_eq!(bench.number("SELECT MIN(run) FROM runs"), 2, "the first run is forgotten");
    assert_eq!(bench.number("SELECT MIN(part) FROM parts WHERE run = 2"), 700);
    assert_eq!(bench.number("SELECT COUNT(*) FROM parts WHERE run = 3"), 900);
}

#[test]
fn two_stations_cannot_write_one_file() {
    let bench = Bench::new();
    let _run = bench.run(100);
    assert!(matches!(bench.open(), Err(SqliteError::InUse { .. })));
}

/// What opening says of a file of these bytes, which it must leave alone.
fn refused(prepare: impl Fn(&Path)) -> String {
    let bench = Bench::new();
    prepare(&bench.path());
    let before = std::fs::read(bench.path()).unwrap();
    let error = bench.open().map(drop).unwrap_err().to_string();
    assert!(std::fs::read(bench.path()).unwrap() == before, "{error}");
    assert!(check(&bench.path()).is_err());
    error
}

#[test]
fn a_file_that_is_no_trace_is_refused_and_left_as_it_is() {
    let foreign = refused(|path| std::fs::write(path, "part;verdict\n".repeat(500)).unwrap());
    assert!(foreign.contains("is no trace") && foreign.contains("another kind of file"), "{foreign}");
    let other = refused(|path| Connection::open(path).unwrap().execute_batch("CREATE TABLE a (b)").unwrap());
    assert!(other.contains("another program's SQLite file"), "{other}");
    let newer = refused(|path| {
        let application = "PRAGMA application_id = 1128486002; PRAGMA user_version = 2; CREATE TABLE a (b)";
        Connection::open(path).unwrap().execute_batch(application).unwrap();
    });
    assert!(newer.contains("format 2") && newer.contains("knows format 1"), "{newer}");
}

/// A killed run of some thousand parts, of which a range of bytes is overwritten.
fn damaged(from: usize, to: usize) -> impl Fn(&Path) {
    move |path| {
        let bench = Bench::new();
        let mut run = bench.run(5000);
        (0..3000).for_each(|part| run.whole(part, Verdict::Pass));
        assert!(run.write(None));
        drop(run);
        let mut bytes = std::fs::read(bench.path()).unwrap();
        let end = to.min(bytes.len());
        bytes[from..end].fill(0x5a);
        std::fs::write(path, bytes).unwrap();
    }
}

#[test]
fn a_damaged_file_is_refused_after_a_kill_and_left_as_it_is() {
    for (from, to) in [(0, 100), (20_000, 200_000)] {
        let error = refused(damaged(from, to));
        assert!(error.contains("is damaged") || error.contains("is no trace"), "{error}");
        assert!(error.contains("left as it is"), "{error}");
    }
}

#[test]
fn a_run_begins_in_an_empty_file_and_in_a_folder_that_it_makes() {
    let bench = Bench::new();
    std::fs::write(bench.path(), b"").unwrap();
    bench.run(100).end(Ending::Failed);
    assert!(bench.csv(What::Runs, &Query::default()).contains(",failed,0\n"));
    let inner = bench.folder.path().join("a/b/trace.sqlite");
    Store::open(&StoreOptions { path: inner.clone(), station: "a".into(), parts_max: 1000 }).unwrap();
    check(&inner).unwrap();
    let absent = Reader::open(&bench.folder.path().join("none")).map(drop).unwrap_err().to_string();
    assert!(absent.contains("there is no trace"), "{absent}");
}
