//! The trace of a running station: what its file says of the parts is what the station counts and shows.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use crosscheck::clock::monotonic_ns;
use crosscheck::model::engine_file::Usual;
use crosscheck::reject::fault::Fault;
use crosscheck::reject::part::PartOutcome;
use crosscheck::runtime::metrics::Count;
use crosscheck::runtime::plan::Announced;
use crosscheck::score::Verdict;
use crosscheck::trace::{StoreOptions, TraceOptions, check};
use rusqlite::Connection;

use crate::support::plant::{Plant, Report, Step, judgement_of, script};
use crate::support::small_engine::engine;

fn options(path: &Path) -> TraceOptions {
    let store = StoreOptions { path: path.into(), station: "line-1".into(), parts_max: 100_000 };
    TraceOptions { store, commit: Duration::from_millis(20), rows_max: 1000 }
}

/// How many rows fit.
fn rows(trace: &Connection, condition: &str) -> u64 {
    let sql = format!("SELECT COUNT(*) FROM trace WHERE {condition}");
    trace.query_row(&sql, [], |row| row.get::<_, i64>(0)).unwrap() as u64
}

fn texts(trace: &Connection, column: &str) -> BTreeMap<u64, String> {
    let mut found = trace.prepare(&format!("SELECT part, {column} FROM trace WHERE {column} IS NOT NULL")).unwrap();
    found.query_map([], |row| Ok((row.get::<_, i64>(0)? as u64, row.get(1)?))).unwrap().map(Result::unwrap).collect()
}

fn is_what_was_counted(report: &Report, path: &Path) {
    let trace = Connection::open(path).unwrap();
    let total = |count| report.metrics.total(count);
    for (condition, count) in [
        ("TRUE", Count::Parts),
        ("verdict = 'pass'", Count::Passed),
        ("verdict = 'review'", Count::Reviewed),
        ("verdict = 'reject'", Count::Rejected),
        ("reason = 'no_frame'", Count::UnscoredNoFrame),
        ("reason = 'frame_dropped'", Count::UnscoredDropped),
        ("reason = 'engine'", Count::UnscoredEngine),
        ("reason = 'recipe_change'", Count::UnscoredRecipe),
        ("late", Count::LateVerdicts),
        ("doubtful", Count::PartsDoubtful),
        ("outcome = 'caught'", Count::PartsCaught),
        ("outcome = 'missed'", Count::PartsMissed),
        ("state <> 'incomplete'", Count::TraceWritten),
    ] {
        assert_eq!(rows(&trace, condition), total(count), "{condition}");
    }
    assert_eq!(rows(&trace, "state = 'finished'"), total(Count::Parts));
    assert_eq!(total(Count::TraceLost), 0);
    let outcome = |outcome: &PartOutcome| format!("{outcome:?}").to_lowercase();
    let seen: BTreeMap<u64, String> = report.seen.outcomes.iter().map(|(part, o)| (*part, outcome(o))).collect();
    assert_eq!(texts(&trace, "outcome"), seen);
    let verdicts: BTreeMap<u64, String> = report.verdicts.iter().map(|(part, v)| (*part, v.to_string())).collect();
    assert_eq!(texts(&trace, "verdict"), verdicts);
    // Times are in the order in which a part lives through them, and verdicts come with all that led to them.
    assert_eq!(rows(&trace, "settled_unix_ms < triggered_unix_ms OR judged_unix_ms < captured_unix_ms"), 0);
    assert_eq!(rows(&trace, "(verdict IS NULL) <> (threshold IS NULL) OR (verdict = 'pass') > (score IS NOT NULL)"), 0);
    assert_eq!(
        rows(&trace, "verdict IS NOT NULL AND engine_sha256 <> replace(hex(zeroblob(4)), '00', '0123456789abcdef')"),
        0
    );
    assert_eq!(rows(&trace, "identity NOT LIKE '%-' || printf('%06d', part)"), 0);
    check(path).unwrap();
}

#[test]
fn the_rows_are_the_counters_through_losses_late_verdicts_and_doubts() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("trace.sqlite");
    let mut plant = Plant::new(Announced::ByEdges, 400);
    plant.trace = Some(options(&path));
    // Parts wait for the inspection until their verdicts come too late, or until there is no room for more.
    plant.plan.timing.deadline_ns = None;
    plant.burden = Duration::from_millis(60);
    let mut engine = engine(1e6);
    engine.metadata.usual = Some(Usual { points: 9, depth_m: 0.5, width: 224, height: 224 });
    plant.judgement = Some(judgement_of(engine, 1e6));
    let eye = plant.line.photo_eye.clone();
    let camera = script(move |shown, _| {
        if shown >= 250 {
            return Step::End;
        }
        std::thread::sleep(Duration::from_millis(8));
        eye.edge(monotonic_ns());
        if shown % 7 == 3 {
            // The frame of the part before comes later than the window allows for.
            std::thread::sleep(Duration::from_millis(6));
            eye.edge(monotonic_ns());
        }
        if shown % 3 == 2 { Step::Bad } else { Step::Good }
    });
    let report = plant.run(camera);
    report.result.as_ref().unwrap();
    for count in [
        Count::Passed,
        Count::Rejected,
        Count::UnscoredNoFrame,
        Count::UnscoredDropped,
        Count::LateVerdicts,
        Count::PartsDoubtful,
    ] {
        assert!(report.metrics.total(count) > 0, "the line has no {count:?}");
    }
    is_what_was_counted(&report, &path);
}

#[test]
fn a_trace_that_cannot_be_written_is_a_fault_and_the_line_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("trace.sqlite");
    let mut plant = Plant::new(Announced::ByEveryFrame, 300);
    plant.trace = Some(options(&path));
    let seen = plant.line.seen.clone();
    let (mut other, mut is_locked, file) = (None, false, path.clone());
    let camera = script(move |shown, judged| {
        if shown == 1 && !std::mem::replace(&mut is_locked, true) {
            // Another program has locked the file.
            let connection = Connection::open(&file).unwrap();
            connection.execute_batch("BEGIN IMMEDIATE").unwrap();
            other = Some(connection);
        }
        std::thread::sleep(Duration::from_millis(5));
        let course = seen.lock().unwrap().course(Fault::DiskFull);
        match course[..] {
            [] => {}
            // It goes away.
            [true] => drop(other.take()),
            _ => return Step::End,
        }
        if shown > judged || shown > 4000 { Step::Wait } else { Step::Good }
    });
    let report = plant.run(camera);
    report.result.as_ref().unwrap();
    assert_eq!(report.seen.course(Fault::DiskFull), [true, false]);
    assert!(report.verdicts.iter().all(|(_, verdict)| *verdict == Verdict::Pass));
    assert!(report.seen.outcomes.values().any(|outcome| *outcome == PartOutcome::Passed));
    is_what_was_counted(&report, &path);
}
