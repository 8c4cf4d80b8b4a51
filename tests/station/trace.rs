//! What a trace keeps through `kill -9` and a full disk. `ci/trace/run.sh` runs these tests.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use crosscheck::clock::monotonic_ns;
use crosscheck::identity::Identity;
use crosscheck::inspect::{Outcome, Scores};
use crosscheck::reject::part::{Event, PartId, PartOutcome};
use crosscheck::runtime::FAULT_NAMES;
use crosscheck::runtime::books::Unjudged;
use crosscheck::runtime::judge::Judge;
use crosscheck::runtime::metrics::{Count, Metrics};
use crosscheck::runtime::part_frame::PartFrame;
use crosscheck::score::{Thresholds, Verdict};
use crosscheck::trace::{Ending, Hooks, StoreOptions, Trace, TraceOptions};
use rusqlite::Connection;

/// Names the file, and makes the test below a station that is killed.
const CHILD: &str = "CROSSCHECK_TRACE_CHILD";
/// Names the folder of a small disk.
const DISK: &str = "CROSSCHECK_TRACE_DISK";
/// Parts that are announced in all rounds together.
const PARTS: u64 = 10_000;

fn start(path: &Path, metrics: &Arc<Metrics>) -> (Trace, Hooks) {
    let store = StoreOptions { path: path.into(), station: "line-1".into(), parts_max: 1_000_000 };
    let options = TraceOptions { store, commit: Duration::from_millis(20), rows_max: 1000 };
    Trace::start(&options, metrics.clone()).unwrap()
}

/// A line that tells its trace of one part after another, far faster than an inspection could.
struct Line {
    hooks: Hooks,
    frame: Box<PartFrame>,
    next: u64,
}

impl Line {
    fn new(hooks: Hooks) -> Self {
        let mut frame = PartFrame::empty();
        let thresholds = Thresholds { reject: 0.5, review: None };
        frame.judge = Some(Arc::new(Judge::new(thresholds, [0.1, 1.0], "0123456789abcdef".repeat(4))));
        Self { hooks, frame, next: 0 }
    }

    fn event(&mut self, event: Event, identity: Option<&Identity>) {
        (self.hooks.listener)(&event, identity);
    }

    /// Announces a part; the one announced twenty parts before has passed the ejector by now.
    fn part(&mut self) {
        let (part, at) = (self.next, monotonic_ns());
        self.next += 1;
        let identity = Identity::new(&format!("SN{part}")).unwrap();
        self.event(Event::Triggered { part: PartId(part), at, count: 0, recipe: 1 }, Some(&identity));
        if part % 10 == 9 {
            self.hooks.books.unjudged[0].as_mut().unwrap()(part, Unjudged::NoFrame);
        } else {
            let verdict = if part % 3 == 0 { Verdict::Reject } else { Verdict::Pass };
            (self.frame.part, self.frame.captured.captured_ns, self.frame.judged_ns) = (part, at, at + 30_000_000);
            let scores = Scores { score: 0.25, reference: 0.25 };
            self.frame.inspection.outcome = Outcome::Scored { scores, verdict: Some(verdict) };
            (self.hooks.watcher)(&self.frame);
        }
        if let Some(settled) = part.checked_sub(20) {
            let outcome =
                if settled % 3 == 0 || settled % 10 == 9 { PartOutcome::Rejected } else { PartOutcome::Passed };
            self.event(Event::Settled { part: PartId(settled), outcome, at, reached: at }, None);
        }
    }

    fn parts(&mut self, count: u64) {
        for _ in 0..count {
            self.part();
            if self.next.is_multiple_of(10) {
                std::thread::sleep(Duration::from_millis(3));
            }
        }
    }
}

/// A station that goes on until it is killed. It prints how many parts were announced, and how many of them the file has.
#[test]
#[ignore = "is started by the tests below"]
fn child() {
    let Some(path) = std::env::var_os(CHILD) else { return };
    let metrics = Arc::new(Metrics::new(&FAULT_NAMES));
    let (_trace, hooks) = start(Path::new(&path), &metrics);
    let mut line = Line::new(hooks);
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(60) {
        line.parts(10);
        println!("{} {}", line.next, metrics.total(Count::TraceWritten));
    }
}

/// Starts a station, kills it, and returns what it printed last.
fn killed(path: &Path, after: Duration) -> [u64; 2] {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["trace::child", "--exact", "--ignored", "--nocapture"]).env(CHILD, path);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut last = [0; 2];
    let mut killed_at = None;
    for text in BufReader::new(child.stdout.take().unwrap()).lines() {
        let numbers: Vec<u64> = text.unwrap().split(' ').filter_map(|word| word.parse().ok()).collect();
        let [announced, written] = numbers[..] else { continue };
        last = [announced, written];
        if *killed_at.get_or_insert_with(|| Instant::now() + after) < Instant::now() {
            // Whatever it has printed by then is read before the end.
            let _ = child.kill();
        }
    }
    child.wait().unwrap();
    last
}

fn number(trace: &Connection, sql: &str) -> u64 {
    let found = trace.query_row(sql, [], |row| row.get::<_, i64>(0));
    found.unwrap_or_else(|error| panic!("{sql}: {error}")) as u64
}

/// The file is sound, and every row is complete or says that it is not.
fn is_sound(path: &Path) -> Connection {
    let trace = Connection::open(path).unwrap();
    let found: String = trace.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(found, "ok");
    let torn = "SELECT COUNT(*) FROM parts WHERE state = 'finished' AND (
        identity <> 'SN' || part OR recipe <> 1 OR triggered_unix_ms IS NULL OR settled_unix_ms IS NULL OR outcome IS NULL
        OR (part % 10 = 9) <> (reason IS 'no_frame') OR (part % 10 <> 9) <> (score IS 0.25)
        OR (part % 10 <> 9 AND verdict <> iif(part % 3 = 0, 'reject', 'pass')) OR engine IS NULL AND verdict IS NOT NULL)";
    assert_eq!(number(&trace, torn), 0, "torn rows");
    trace
}

/// What the program prints of a trace.
fn printed(path: &Path, option: &str) -> Vec<String> {
    let output = Command::new(env!("CARGO_BIN_EXE_crosscheck")).arg("trace").arg(path).arg(option).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().lines().map(String::from).collect()
}

#[test]
#[ignore = "takes a while: ci/trace/run.sh"]
fn a_station_that_is_killed_keeps_what_was_committed_and_names_what_was_lost() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("trace.sqlite");
    let (mut announced, mut run) = (0, 0);
    while announced < PARTS {
        run += 1;
        let [parts, written] = killed(&path, Duration::from_millis(fastrand::u64(0..800)));
        announced += parts;
        let lost = printed(&path, "--lost");
        let trace = is_sound(&path);
        let last = format!(
            "SELECT MAX(part) + 1 FROM (SELECT part FROM parts WHERE run = {run} UNION SELECT last FROM lost WHERE run = {run}
             UNION SELECT -1)"
        );
        let known = number(&trace, &last);
        assert!(lost.contains(&format!("{run},{known},,,killed")), "run {run}, {known} known: {lost:?}");
        let count = |what: &str| number(&trace, &format!("SELECT COUNT(*) FROM parts WHERE run = {run} AND {what}"));
        let gone = number(&trace, &format!("SELECT COALESCE(SUM(count), 0) FROM lost WHERE run = {run}"));
        let finished = count("state = 'finished'");
        assert!(finished >= written, "run {run}: {finished} rows where {written} were committed");
        // Up to the last part that is known, each is there or named as lost.
        assert!(count("TRUE") + gone >= known, "run {run}: {} rows, {gone} lost, {known} known", count("TRUE"));
        println!("run {run}: {parts} announced, {written} known to be written, {finished} finished, {gone} lost");
    }
    let metrics = Arc::new(Metrics::new(&FAULT_NAMES));
    let (trace, hooks) = start(&path, &metrics);
    let mut line = Line::new(hooks);
    line.parts(200);
    drop(line);
    trace.end(Ending::Clean);
    let trace = is_sound(&path);
    assert_eq!(number(&trace, "SELECT COUNT(*) FROM parts WHERE state = 'on_its_way'"), 0);
    assert_eq!(number(&trace, "SELECT COUNT(*) FROM runs WHERE how_ended = 'killed'"), run);
    assert_eq!(metrics.total(Count::TraceWritten) + metrics.total(Count::TraceLost), 200);
    let runs = printed(&path, "--runs");
    assert!(runs.last().unwrap().ends_with(",clean,200") && runs.len() as u64 == run + 2, "{runs:?}");
}

#[test]
#[ignore = "needs a small disk: ci/trace/run.sh"]
fn a_full_disk_loses_the_parts_that_are_named_and_no_other() {
    let folder =
        PathBuf::from(std::env::var_os(DISK).unwrap_or_else(|| panic!("{DISK} names the small disk's folder")));
    let (path, filler) = (folder.join("trace.sqlite"), folder.join("filler"));
    std::fs::write(&filler, vec![0; 12 << 20]).unwrap();
    let metrics = Arc::new(Metrics::new(&FAULT_NAMES));
    let (trace, hooks) = start(&path, &metrics);
    let failing = hooks.books.failing[0].clone();
    let mut line = Line::new(hooks);
    // What has room in SQLite's log is written even now and then; at last nothing is.
    let mut full_at = 0;
    while line.next < full_at + 4000 {
        line.parts(10);
        full_at = if failing.load(Relaxed) { full_at } else { line.next };
        assert!(line.next < 300_000, "the disk is not full");
    }
    std::fs::remove_file(&filler).unwrap();
    while failing.load(Relaxed) {
        line.parts(10);
    }
    line.parts(1000);
    let announced = line.next;
    drop(line);
    trace.end(Ending::Clean);
    let lost = printed(&path, "--lost");
    let trace = is_sound(&path);
    let finished = number(&trace, "SELECT COUNT(*) FROM parts WHERE state = 'finished'");
    let unfinished = number(&trace, "SELECT COUNT(*) FROM parts WHERE state = 'unfinished'");
    let [written, gone] = [Count::TraceWritten, Count::TraceLost].map(|count| metrics.total(count));
    println!(
        "{announced} announced, full at {full_at}: {finished} finished, {unfinished} unfinished, {gone} lost: {lost:?}"
    );
    assert_eq!((finished + unfinished, written + gone), (written, announced));
    assert_eq!(number(&trace, "SELECT SUM(count) FROM lost"), gone);
    assert!(gone > 1500 && lost.iter().any(|line| line.ends_with(",disk")), "{lost:?}");
    // The parts on the belt at the end have none.
    assert_eq!(unfinished, 20);
    let between = "SELECT COUNT(*) FROM parts, lost WHERE state = 'finished' AND part BETWEEN first AND last";
    assert_eq!(number(&trace, between), 0, "a part is lost and there");
}
