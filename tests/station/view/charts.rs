//! The charts over time at the view, from the trace that a station writes.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crosscheck::clock::monotonic_ns;
use crosscheck::conformal::Calibration;
use crosscheck::inspect::{Outcome, Scores};
use crosscheck::reject::part::{Event, PartId, PartOutcome};
use crosscheck::runtime::books::Unjudged;
use crosscheck::runtime::judge::Judge;
use crosscheck::runtime::metrics::Metrics;
use crosscheck::runtime::part_frame::PartFrame;
use crosscheck::score::{Thresholds, Verdict};
use crosscheck::trace::{Ending, Hooks, StoreOptions, Trace, TraceOptions};
use serde_json::Value;

use super::people::{hire, log_in};
use super::{Desk, station};

fn judge() -> Judge {
    let thresholds = Thresholds { reject: 0.5, review: None };
    let calibration = Calibration {
        threshold: 0.5,
        review: None,
        frames: 100,
        false_reject_rate: 0.01,
        guaranteed_rate: 0.01,
        median_score: Some(0.25),
    };
    Judge { calibration: Some(calibration), ..Judge::new(thresholds, [0.1, 1.0], "0123456789abcdef".repeat(4)) }
}

/// A trace of twelve parts: each third one was rejected, and the last had no frame.
fn trace(path: &Path) {
    let store = StoreOptions { path: path.into(), station: "line 1".into(), parts_max: 1_000_000 };
    let options = TraceOptions { store, commit: Duration::from_millis(20), rows_max: 1000 };
    let (trace, Hooks { mut listener, mut watcher, mut books }) =
        Trace::start(&options, Arc::new(Metrics::new(&[]))).unwrap();
    let mut frame = PartFrame::empty();
    frame.judge = Some(Arc::new(judge()));
    for number in 0..12 {
        let (part, at) = (PartId(number), monotonic_ns());
        listener(&Event::Triggered { part, at, count: 0, recipe: 0 }, None);
        if number == 11 {
            books.unjudged[0].as_mut().unwrap()(number, Unjudged::NoFrame);
        } else {
            let (score, verdict) = if number % 3 == 0 { (0.75, Verdict::Reject) } else { (0.25, Verdict::Pass) };
            (frame.part, frame.captured.captured_ns, frame.judged_ns) = (number, at, at + 30_000_000);
            let scores = Scores { score, reference: 1.0 };
            frame.inspection.outcome = Outcome::Scored { scores, verdict: Some(verdict) };
            watcher(&frame);
        }
        listener(&Event::Settled { part, outcome: PartOutcome::Rejected, at, reached: at }, None);
    }
    drop((listener, watcher, books));
    trace.end(Ending::Clean);
}

fn desk(path: &Path) -> Desk {
    let (mut station, actions) = station();
    station.trace = Some(path.into());
    Desk::of(station, actions, "")
}

/// The charts of a span, once all of it is read.
fn charts(desk: &Desk, span: &str) -> Value {
    loop {
        let answer = desk.client().get(&format!("/charts.json?span={span}"));
        let text = String::from_utf8(answer.body).unwrap();
        assert_eq!(answer.status, 200, "{span}: {text}");
        let chart: Value = serde_json::from_str(&text).unwrap();
        if chart["known_from_unix_ms"] == chart["from_unix_ms"] {
            return chart;
        }
    }
}

#[test]
fn each_span_has_what_the_trace_tells() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("trace.sqlite");
    trace(&path);
    let desk = desk(&path);
    desk.metrics.set_judge(&judge());
    for span in ["hour", "day", "week"] {
        let chart = charts(&desk, span);
        assert_eq!(chart["span"], span);
        // The parts may have been announced at the end of a cell.
        let cells = chart["cells"].as_array().unwrap();
        let sum = |of: &dyn Fn(&Value) -> &Value| cells.iter().map(|cell| of(cell).as_u64().unwrap_or(0)).sum::<u64>();
        assert_eq!(sum(&|cell| &cell["parts"]), 12);
        assert_eq!(sum(&|cell| &cell["rejected"]["unknown"]), 4);
        assert_eq!(sum(&|cell| &cell["rejected"]["no_score"]), 1);
        assert_eq!(cells[0]["thresholds"], serde_json::json!([0.5, 0.5]));
        assert_eq!(cells[0]["scores"][3], 0.75);
        assert_eq!(cells[0]["times_ms"], serde_json::json!([30.0, 30.0]));
        assert_eq!(cells[0]["engine"], chart["drift"]["engine"]);
        assert_eq!(chart["drift"]["median_score"], 0.25);
        assert_eq!(chart["drift"]["usual_share"], serde_json::json!([0.25, 0.75]));
        assert!(chart["drift"]["above_share"].is_null(), "it is not measured yet");
    }
    assert_eq!(desk.client().get("/charts.json?span=year").status, 400);
}

#[test]
fn a_station_without_a_trace_says_what_gives_it_one() {
    let desk = Desk::new(None);
    let answer = desk.client().get("/charts.json");
    assert!(answer.status == 404 && String::from_utf8(answer.body).unwrap().contains("[trace]"));
    // The station makes the file a moment after it serves the page.
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("trace.sqlite");
    let desk = self::desk(&path);
    let answer = desk.client().get("/charts.json");
    assert!(answer.status == 503 && String::from_utf8(answer.body).unwrap().contains("no trace"));
    trace(&path);
    assert!(!charts(&desk, "hour")["cells"].as_array().unwrap().is_empty());
}

#[test]
fn whoever_may_not_see_the_page_sees_no_charts() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("trace.sqlite");
    trace(&path);
    let (mut station, actions) = station();
    (station.trace, station.staff) = (Some(path), Some(hire(folder.path())));
    let desk = Desk::of(station, actions, "");
    let get = |cookie: &str| {
        desk.client().send(&format!("GET /charts.json HTTP/1.1\r\nHost: localhost\r\nCookie: {cookie}\r\n\r\n")).status
    };
    assert_eq!(get("a=b"), 401);
    assert_eq!(get(&log_in(&desk, "viewer")), 200);
}

#[test]
fn the_state_tells_how_recorded_parts_are_named() {
    let desk = Desk::new(None);
    assert!(desk.state()["recording_session"].is_null());
    desk.metrics.set_recording_session(7);
    assert_eq!(desk.state()["recording_session"], 7);
}
