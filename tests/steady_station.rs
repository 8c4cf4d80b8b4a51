//! A station that runs for long allocates nothing, and its sums add up. It is a program of its own because it counts the
//! allocations of all threads but that of the trace, which may allocate: it is on nobody's way. SQLite allocates past Rust's
//! allocator anyway.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by a panic")]

#[path = "support/allocations.rs"]
mod allocations;
mod support;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use crosscheck::clock::monotonic_ns;
use crosscheck::config::scene::Scene;
use crosscheck::config::teach::Teach;
use crosscheck::prepare::PartChoice;
use crosscheck::runtime::inspection::Watcher;
use crosscheck::runtime::metrics::Count;
use crosscheck::runtime::plan::Announced;
use crosscheck::score::Verdict;
use crosscheck::teach::{Collecting, Lesson, Subject};
use crosscheck::trace::{StoreOptions, TraceOptions, check};

use allocations::in_process;
use support::plant::{Plant, Step, script};

/// Frames from one part to the next, parts that warm up, and parts in all.
const FRAMES_PER_PART: u64 = 20;
const WARM: u64 = 30;
const PARTS: u64 = 150;

/// `CROSSCHECK_SOAK_PARTS=3600` is an hour of 20 frames a second, in some minutes.
fn parts_wanted() -> u64 {
    let asked = std::env::var("CROSSCHECK_SOAK_PARTS").ok();
    asked.map_or(PARTS, |text| text.parse().expect("CROSSCHECK_SOAK_PARTS is a number of parts")).max(WARM + 1)
}
/// Stacks that grow into pages they had not touched.
const PAGES_MAX: u64 = 32;
/// SQLite's own memory, mostly its cache of 2 MB, which fills as the file grows.
const TRACE_PAGES: u64 = 768;
const PAGE: usize = 4096;

/// A station's side of collecting, that wants parts of a lesson in `folder`.
fn collecting(folder: &Path) -> (Collecting, Watcher) {
    let teach = Teach { folder: folder.join("lessons") };
    let mut subject = Subject::new(3, "part".into(), 1000, 1000);
    subject.scene = Some(Scene { part: PartChoice::Everything, ..Scene::default() });
    Lesson::create(&teach.lesson(3), subject).unwrap();
    let (collecting, watcher) = Collecting::start(teach).unwrap();
    assert_eq!(collecting.begin(3).unwrap(), 2000);
    (collecting, watcher)
}

/// Pages of this process in memory.
fn resident_pages() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    statm.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[test]
fn a_station_that_is_warm_allocates_nothing_and_its_sums_add_up() {
    let parts = parts_wanted();
    let mut plant = Plant::new(Announced::ByEdges, 400);
    plant.forgets = true;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("trace.sqlite");
    let store = StoreOptions { path: path.clone(), station: "line-1".into(), parts_max: 1_000_000 };
    plant.trace = Some(TraceOptions { store, commit: Duration::from_millis(50), rows_max: 1000 });
    let (collecting, collects) = collecting(folder.path());
    plant.collects = Some(collects);
    let eye = plant.line.photo_eye.clone();
    let (allocations, pages) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let notes = (allocations.clone(), pages.clone());
    let camera = script(move |shown, judged| {
        // The first frame is there to see that frames can be inspected; after that, each part has its turn.
        let (part, frame) = (shown.saturating_sub(1) / FRAMES_PER_PART, shown.saturating_sub(1) % FRAMES_PER_PART);
        if shown == 0 {
            return Step::Good;
        }
        if frame == 0 && judged < part {
            return Step::Wait;
        }
        if frame == 0 && part == WARM {
            notes.1.store(resident_pages(), Relaxed);
            notes.0.store(in_process(), Relaxed);
        }
        if part == parts {
            notes.0.store(in_process() - notes.0.load(Relaxed), Relaxed);
            notes.1.store(resident_pages().saturating_sub(notes.1.load(Relaxed)), Relaxed);
            return Step::End;
        }
        match frame {
            2 => {
                eye.edge(monotonic_ns());
                if part % 4 == 3 { Step::Bad } else { Step::Good }
            }
            _ => {
                std::thread::sleep(Duration::from_micros(500));
                Step::Good
            }
        }
    });
    let report = plant.run(camera);
    let course = collecting.course();
    // One frame again and again is collected once at the most.
    let offered = course.parts as u64 + course.left_out + course.dropped;
    assert!(course.left_out > 0 && course.parts <= 1 && offered <= parts, "{course:?}");
    report.result.unwrap();
    let frames = (parts - WARM) * FRAMES_PER_PART;
    let asked = allocations.load(Relaxed);
    assert_eq!(asked, 0, "allocations over {frames} frames and {} parts", parts - WARM);
    let grown = pages.load(Relaxed);
    println!("{frames} frames and {} parts: no allocation, {grown} pages more", parts - WARM);
    // The test itself keeps every verdict.
    let kept = (parts as usize * size_of::<(u64, Verdict)>()).div_ceil(PAGE) as u64;
    assert!(grown <= PAGES_MAX + TRACE_PAGES + kept, "{grown} pages more");
    let total = |count| report.metrics.total(count);
    assert_eq!(total(Count::Parts), parts);
    assert_eq!(total(Count::FramesCaptured), parts * FRAMES_PER_PART + 1);
    let unscored = report.metrics.sum(&Count::UNSCORED);
    assert_eq!(total(Count::Passed) + total(Count::Rejected) + unscored, parts);
    assert_eq!(report.seen.triggered, parts);
    assert_eq!((total(Count::TraceWritten), total(Count::TraceLost)), (parts, 0));
    check(&path).unwrap();
}
