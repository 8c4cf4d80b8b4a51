//! The trace over time, for charts: cells of time, the newest first. What was read is kept, the longer the older it is.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rusqlite::Connection;
use serde::Serialize;

use super::cell::Cell;
use super::schema::TRACE;
use crate::sqlite::SqliteError;

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;
/// Every time zone is some quarters of an hour from UTC, so that such cells make hours of the local time.
const QUARTER_MS: i64 = 15 * MINUTE_MS;
/// A cell changes until this long after its end: parts are judged, and rows wait while the disk is full.
const SETTLED_AFTER_MS: i64 = HOUR_MS;

/// How far back charts go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Span {
    Hour,
    Day,
    Week,
}

crate::words::words!(serde Span {
    Hour = "hour",
    Day = "day",
    Week = "week",
});

impl Span {
    fn length_ms(self) -> i64 {
        match self {
            Self::Hour => HOUR_MS,
            Self::Day => 24 * HOUR_MS,
            Self::Week => 7 * 24 * HOUR_MS,
        }
    }

    fn cell_ms(self) -> i64 {
        if self == Self::Hour { MINUTE_MS } else { QUARTER_MS }
    }

    fn bar_ms(self) -> i64 {
        if self == Self::Hour { 5 * MINUTE_MS } else { HOUR_MS }
    }

    /// Where charts begin and end at a moment, at whole bars: the one that has begun is the last.
    fn ends(self, now_ms: i64) -> [i64; 2] {
        let bar_ms = self.bar_ms();
        let to = (now_ms.div_euclid(bar_ms) + 1) * bar_ms;
        [to - bar_ms - self.length_ms(), to]
    }
}

/// What is drawn of a span. Times are milliseconds since 1970.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Chart {
    pub span: Span,
    pub from_unix_ms: i64,
    pub to_unix_ms: i64,
    /// From here on all is read; what is before is read by the next requests.
    pub known_from_unix_ms: i64,
    pub cell_ms: i64,
    /// How much time the rates of rejects are meant for.
    pub bar_ms: i64,
    /// The cells with parts, the oldest first.
    pub cells: Vec<Cell>,
}

/// A trace that is read for charts while a station writes it.
pub struct Charts {
    connection: Connection,
    path: PathBuf,
    /// Cells that were read, by their length and beginning.
    kept: BTreeMap<(i64, i64), Kept>,
}

struct Kept {
    cell: Cell,
    read_unix_ms: i64,
}

impl Kept {
    /// Whether the cell, which ends at a moment, need not be read again. It stays for as long as it was over when it was read,
    /// since the rows of its last parts come late, and for good once it does not change any more. Where the clock was set back
    /// it may change again.
    fn is_fresh(&self, end_ms: i64, now_ms: i64) -> bool {
        let over_ms = self.read_unix_ms - end_ms;
        let since_ms = now_ms - self.read_unix_ms;
        since_ms >= 0 && (over_ms >= SETTLED_AFTER_MS || since_ms < over_ms)
    }
}

impl Charts {
    pub fn open(path: &Path) -> Result<Self, SqliteError> {
        Ok(Self { connection: TRACE.open_to_read(path)?, path: path.into(), kept: BTreeMap::new() })
    }

    /// The charts of a span at a moment. Once `patience` is over it reads no further back: the next call goes on from there.
    pub fn read(&mut self, span: Span, now_ms: i64, patience: Duration) -> Result<Chart, SqliteError> {
        let began = Instant::now();
        let ([from, to], cell_ms) = (span.ends(now_ms), span.cell_ms());
        let mut cells = Vec::new();
        let mut is_further = false;
        // Nothing is announced later than now.
        let mut known_from = to.min((now_ms.div_euclid(cell_ms) + 1) * cell_ms);
        while known_from > from {
            let start = known_from - cell_ms;
            let cell = match self.kept.get(&(cell_ms, start)) {
                Some(kept) if kept.is_fresh(known_from, now_ms) => kept.cell.clone(),
                // One at least that was never read is read each time, so that there is an end.
                None if is_further && began.elapsed() >= patience => break,
                _ => {
                    let cell = self.cell(start, cell_ms)?;
                    let kept = Kept { cell: cell.clone(), read_unix_ms: now_ms };
                    is_further |= self.kept.insert((cell_ms, start), kept).is_none();
                    cell
                }
            };
            cells.extend((cell.parts > 0).then_some(cell));
            known_from = start;
        }
        cells.reverse();
        let [oldest, newest] = Span::Week.ends(now_ms);
        let [oldest_minute, _] = Span::Hour.ends(now_ms);
        let oldest = |cell_ms| if cell_ms == MINUTE_MS { oldest_minute } else { oldest };
        self.kept.retain(|(cell_ms, start), _| (oldest(*cell_ms)..newest).contains(start));
        let bar_ms = span.bar_ms();
        Ok(Chart { span, from_unix_ms: from, to_unix_ms: to, known_from_unix_ms: known_from, cell_ms, bar_ms, cells })
    }

    fn cell(&self, start: i64, cell_ms: i64) -> Result<Cell, SqliteError> {
        Cell::read(&self.connection, start, cell_ms).map_err(|source| SqliteError::of(TRACE, &self.path, source))
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::params;
    use tempfile::TempDir;

    use super::*;

    /// The beginning of an hour.
    const NOW: i64 = 1_800_000_000_000;
    const ENDLESS: Duration = Duration::MAX;

    /// A trace of which the parts are given row by row.
    struct Bench {
        folder: TempDir,
        connection: Connection,
        next: i64,
    }

    /// A part that passed in the first run; what is told of others is changed.
    #[derive(Clone, Copy)]
    struct Part {
        run: i64,
        verdict: Option<&'static str>,
        score: Option<f64>,
        threshold: Option<f64>,
        kind: Option<&'static str>,
        reason: Option<&'static str>,
        engine: i64,
        time_ms: f64,
    }

    const PASSED: Part = Part {
        run: 1,
        verdict: Some("pass"),
        score: Some(0.25),
        threshold: Some(0.5),
        kind: None,
        reason: None,
        engine: 1,
        time_ms: 40.0,
    };
    const REJECTED: Part = Part { verdict: Some("reject"), score: Some(0.75), kind: Some("shape"), ..PASSED };
    const UNJUDGED: Part = Part { verdict: None, score: None, threshold: None, reason: Some("no_frame"), ..PASSED };

    impl Bench {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let connection = TRACE.open(&folder.path().join("trace.sqlite")).unwrap();
            for letter in ["a", "b"] {
                connection.execute("INSERT INTO engines (sha256) VALUES (?1)", [letter.repeat(64)]).unwrap();
            }
            Self { folder, connection, next: 0 }
        }

        /// Announces a part, so many milliseconds from now.
        fn add(&mut self, at_ms: i64, part: Part) {
            self.next += 1;
            let Part { run, verdict, score, threshold, kind, reason, engine, time_ms } = part;
            let judged = verdict.map(|_| (engine, time_ms)).unzip();
            let sql = "INSERT INTO parts (run, part, state, triggered_unix_ms, verdict, score, threshold, worst_kind,
                 reason, engine, capture_to_verdict_ms, late, doubtful)
                 VALUES (?1, ?2, 'finished', ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, 0, 0)";
            let at_ms = NOW + at_ms;
            let values = params![run, self.next, at_ms, verdict, score, threshold, kind, reason, judged.0, judged.1];
            self.connection.execute(sql, values).unwrap();
        }

        fn charts(&self) -> Charts {
            Charts::open(&self.folder.path().join("trace.sqlite")).unwrap()
        }

        fn cells(&self, span: Span) -> Vec<Cell> {
            self.charts().read(span, NOW, ENDLESS).unwrap().cells
        }
    }

    #[test]
    fn a_span_ends_with_the_bar_that_has_begun() {
        let hours = |span: Span, now_ms| span.ends(now_ms).map(|end| (end - NOW) as f64 / HOUR_MS as f64);
        assert_eq!(hours(Span::Day, NOW), [-24.0, 1.0]);
        assert_eq!(hours(Span::Day, NOW + HOUR_MS - 1), [-24.0, 1.0]);
        assert_eq!(hours(Span::Week, NOW - 1), [-169.0, 0.0]);
        assert_eq!(hours(Span::Hour, NOW + 7 * MINUTE_MS), [5.0 / 60.0 - 1.0, 10.0 / 60.0]);
    }

    #[test]
    fn an_empty_trace_has_no_cells() {
        let bench = Bench::new();
        for span in Span::ALL {
            let chart = bench.charts().read(span, NOW, ENDLESS).unwrap();
            assert_eq!((chart.cells.len(), chart.known_from_unix_ms), (0, chart.from_unix_ms));
        }
    }

    #[test]
    fn rejects_are_told_by_kind_and_hours_without_parts_are_left_out() {
        let mut bench = Bench::new();
        let early = -5 * HOUR_MS;
        bench.add(early, PASSED);
        bench.add(early + 1, REJECTED);
        bench.add(early + 2, REJECTED);
        bench.add(early + 3, Part { kind: Some("excess"), ..REJECTED });
        bench.add(early + 4, Part { kind: None, ..REJECTED });
        bench.add(early + 5, UNJUDGED);
        bench.add(early + 6, Part { score: None, kind: None, reason: Some("not_a_number"), ..REJECTED });
        bench.add(early + 7, Part { verdict: Some("review"), kind: Some("colour"), ..REJECTED });
        // On its way: neither a verdict nor a reason is known.
        bench.add(early + 8, Part { reason: None, ..UNJUDGED });
        bench.add(-1, PASSED);
        let [cell, last] = &bench.cells(Span::Day)[..] else { panic!("two cells have parts") };
        assert_eq!((cell.from_unix_ms, cell.parts), (NOW + early, 8));
        let rejected = [("excess", 1), ("no_score", 2), ("shape", 2), ("unknown", 1)];
        assert_eq!(cell.rejected, rejected.into());
        assert_eq!(cell.reviewed, [("colour", 1)].into());
        assert_eq!((last.from_unix_ms, last.parts, last.rejected.len()), (NOW - QUARTER_MS, 1, 0));
    }

    #[test]
    fn scores_thresholds_and_times_are_told_in_a_few_numbers() {
        let mut bench = Bench::new();
        for i in 1..=100 {
            // Somebody has changed the threshold after half of the parts.
            let threshold = Some(if i > 50 { 0.5 } else { 0.75 });
            let part = Part { score: Some(f64::from(i) / 100.0), time_ms: f64::from(i), threshold, ..PASSED };
            bench.add(i64::from(i) - HOUR_MS, part);
        }
        bench.add(-1, UNJUDGED);
        let [cell, last] = &bench.cells(Span::Day)[..] else { panic!("two cells have parts") };
        assert_eq!(cell.scores, Some([0.25, 0.5, 0.75, 1.0]));
        assert_eq!(cell.thresholds, Some([0.5, 0.75]));
        assert_eq!(cell.times_ms, Some([50.0, 99.0]));
        assert_eq!(cell.engine.as_deref(), Some("aaaaaaaaaaaaaaaa"));
        assert_eq!((last.scores, last.thresholds, last.times_ms, &last.engine), (None, None, None, &None));
    }

    #[test]
    fn two_starts_in_one_cell_add_up_and_scores_of_two_engines_are_of_none() {
        let mut bench = Bench::new();
        for (run, engine) in [(1, 1), (2, 1)] {
            (0..3).for_each(|i| bench.add(i - HOUR_MS, Part { run, engine, ..PASSED }));
        }
        bench.add(-2, Part { run: 2, ..PASSED });
        bench.add(-1, Part { run: 3, engine: 2, ..PASSED });
        let [both, change] = &bench.cells(Span::Week)[..] else { panic!("two cells have parts") };
        assert_eq!((both.parts, both.engine.as_deref()), (6, Some("aaaaaaaaaaaaaaaa")));
        assert_eq!((change.parts, &change.engine), (2, &None));
    }

    #[test]
    fn a_cell_is_kept_once_it_does_not_change_any_more() {
        let mut bench = Bench::new();
        let mut charts = bench.charts();
        let [settled, new] = [-3 * HOUR_MS, -HOUR_MS / 2];
        let mut parts = |now_ms: i64| {
            let cells = charts.read(Span::Day, now_ms, ENDLESS).unwrap().cells;
            let at = |from: i64| cells.iter().find(|cell| cell.from_unix_ms == NOW + from).map_or(0, |cell| cell.parts);
            [at(settled), at(new)]
        };
        bench.add(settled, PASSED);
        bench.add(new, PASSED);
        assert_eq!(parts(NOW), [1, 1]);
        bench.add(settled, PASSED);
        bench.add(new, PASSED);
        assert_eq!(parts(NOW + 1), [1, 1], "what was read is told for a while");
        assert_eq!(parts(NOW + HOUR_MS / 4), [1, 2], "what is an hour old is not read again");
        // The clock was set back: what was settled may change again.
        assert_eq!(parts(NOW - 2 * HOUR_MS), [2, 0]);
    }

    #[test]
    fn a_request_reads_as_long_as_it_may_and_the_next_goes_on() {
        let mut bench = Bench::new();
        (0..7 * 24).for_each(|hour| bench.add(-hour * HOUR_MS - 1, PASSED));
        let mut charts = bench.charts();
        let mut calls = 0;
        let chart = loop {
            let chart = charts.read(Span::Week, NOW, Duration::ZERO).unwrap();
            calls += 1;
            if chart.known_from_unix_ms == chart.from_unix_ms {
                break chart;
            }
            assert!(chart.cells.iter().all(|cell| cell.from_unix_ms >= chart.known_from_unix_ms));
        };
        assert_eq!(calls, 7 * 24 * 4 + 1, "a cell each time");
        assert_eq!(chart, bench.charts().read(Span::Week, NOW, ENDLESS).unwrap());
        assert_eq!(chart.cells.len(), 7 * 24);
    }
}
