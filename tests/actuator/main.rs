//! The actuator thread on a bench: real time, outputs and edges in memory, and every way for it to end. It is a program of
//! its own because one test installs the process's logger, and others would disturb its times.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by a panic")]

#[path = "../support/allocations.rs"]
mod allocations;
mod bench;
mod configured;
#[path = "../support/reject_plan.rs"]
mod reject_plan;

use crosscheck::clock::monotonic_ns;
use crosscheck::reject::RejectError;
use crosscheck::reject::channel::Command;
use crosscheck::reject::fault::Fault;
use crosscheck::reject::part::{Event, Outputs, PartId, PartOutcome};
use crosscheck::reject::plan::{Delay, RejectPlan};
use crosscheck::reject::tally::Sum;
use crosscheck::reject::{Edge, EdgeKind};

use bench::{Bench, Driven, MS};
use reject_plan::REJECT_PLAN;

/// Waits for the event that `wanted` picks, and drops those before it.
fn wait_for<T>(bench: &mut Bench, wanted: impl Fn(&Event) -> Option<T>) -> T {
    let start = monotonic_ns();
    loop {
        for event in bench.handles.events.by_ref() {
            if let Some(found) = wanted(&event) {
                return found;
            }
        }
        assert!(monotonic_ns() - start < 20_000 * MS, "nothing has come for 20 s");
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
}

/// A line that lets accepted parts pass.
fn started(bench: &mut Bench) {
    assert!(bench.handles.station.send(Command::Clear(Fault::Starting)));
    wait_for(bench, |event| matches!(event, Event::Reject { active: false, .. }).then_some(()));
}

fn triggered(bench: &mut Bench) -> (PartId, u64) {
    wait_for(bench, |event| match event {
        Event::Triggered { part, at, .. } => Some((*part, *at)),
        _ => None,
    })
}

fn settled(bench: &mut Bench) -> (PartId, PartOutcome) {
    wait_for(bench, |event| match event {
        Event::Settled { part, outcome, .. } => Some((*part, *outcome)),
        _ => None,
    })
}

#[test]
fn a_part_is_rejected_after_its_delay_unless_it_is_accepted() {
    let mut bench = Bench::start(REJECT_PLAN);
    started(&mut bench);
    let now = monotonic_ns();
    assert!(bench.handles.capture.send(Command::Trigger { at_ns: now }));
    let (part, at) = triggered(&mut bench);
    assert_eq!((part, at), (PartId(0), now));
    let up = wait_for(&mut bench, |e| if let Event::Reject { active: true, at, .. } = e { Some(*at) } else { None });
    let down = wait_for(&mut bench, |e| if let Event::Reject { active: false, at, .. } = e { Some(*at) } else { None });
    assert!(up >= now + 60 * MS, "{} ns early", now + 60 * MS - up);
    assert!(down >= now + 70 * MS, "{} ns early", now + 70 * MS - down);
    let now = monotonic_ns();
    assert!(bench.handles.capture.send(Command::Trigger { at_ns: now }));
    let (part, _) = triggered(&mut bench);
    assert!(bench.handles.inspection.send(Command::Accept { part, recipe: 0 }));
    let outcome = settled(&mut bench);
    let levels: Vec<bool> = bench.driven().iter().map(|driven| driven.outputs.reject).collect();
    let report = bench.stop().unwrap();
    // A machine that was away for 50 ms has rejected it.
    if report.counters.late_verdicts == 0 {
        assert_eq!(outcome, (PartId(1), PartOutcome::Passed));
        assert_eq!(levels, [true, false, true, false]);
    }
    assert_eq!((report.counters.triggered, report.counters.events_lost), (2, 0));
}

#[test]
fn edges_count_in_the_order_of_their_times() {
    let mut bench = Bench::start(RejectPlan {
        delay: Delay::Counts { delay: 50, lead: 5 },
        belt: Some(bench::BELT),
        ..REJECT_PLAN
    });
    let mut at = monotonic_ns();
    let mut edges = |kinds: &[EdgeKind]| -> Vec<Edge> {
        let edge = |kind: &EdgeKind| {
            at += 10_000;
            Edge { kind: *kind, at }
        };
        kinds.iter().map(edge).collect()
    };
    let count = EdgeKind::Encoder { lost: 0 };
    let mut burst = edges(&[count, count, count, EdgeKind::Trigger, count]);
    burst.reverse();
    std::thread::sleep(std::time::Duration::from_millis(2));
    bench.edges(&burst);
    let found =
        wait_for(
            &mut bench,
            |e| if let Event::Triggered { part, count, .. } = e { Some((*part, *count)) } else { None },
        );
    assert_eq!(found, (PartId(0), 3));
    bench.stop().unwrap();
}

#[test]
fn sums_are_read_while_the_line_works() {
    let mut bench = Bench::start(RejectPlan { debounce_ns: 1_000 * MS, ..REJECT_PLAN });
    started(&mut bench);
    let at = monotonic_ns();
    bench.edges(&[0, 1, 2].map(|ms| Edge { kind: EdgeKind::Trigger, at: at + ms * MS }));
    let (first, _) = settled(&mut bench);
    let total = |sum| bench.tally.total(sum);
    assert_eq!((first, total(Sum::EdgesIgnored), total(Sum::PulsesMerged)), (PartId(0), 2, 0));
    bench.stop().unwrap();
    let mut bench = Bench::start(REJECT_PLAN);
    started(&mut bench);
    let at = monotonic_ns();
    bench.edges(&[0, 2].map(|ms| Edge { kind: EdgeKind::Trigger, at: at + ms * MS }));
    settled(&mut bench);
    settled(&mut bench);
    // The second comes while the first one's pulse lasts.
    let total = |sum| bench.tally.total(sum);
    assert_eq!((total(Sum::EdgesIgnored), total(Sum::PulsesMerged)), (0, 1));
    assert!(bench.is_running() && total(Sum::EventsLost) == 0);
    bench.stop().unwrap();
}

#[test]
fn a_flood_of_edges_holds_the_output() {
    let mut bench = Bench::start(REJECT_PLAN);
    started(&mut bench);
    bench.edges(&vec![Edge { kind: EdgeKind::Confirm, at: monotonic_ns() }; 5_000]);
    let fault =
        wait_for(&mut bench, |e| if let Event::Fault { fault, active: true, .. } = e { Some(*fault) } else { None });
    assert_eq!(fault, Fault::QueueOverflow);
    bench.stop().unwrap();
}

#[test]
fn the_outputs_are_safe_before_the_first_frame_and_after_the_end() {
    let mut bench = Bench::start(REJECT_PLAN);
    started(&mut bench);
    let driven = bench.driven();
    assert!(driven[0].outputs.reject && !driven[0].outputs.ready, "{driven:?}");
    assert_eq!(driven.last().unwrap().outputs, Outputs { reject: false, ready: true, fault: false });
    assert!(!bench.is_safe());
    let safe = bench.safe.clone();
    bench.stop().unwrap();
    assert!(safe.is_set(), "stopped");
    let dropped = Bench::start(REJECT_PLAN);
    let safe = dropped.safe.clone();
    drop(dropped);
    assert!(safe.is_set(), "dropped");
}

#[test]
fn a_panic_leaves_the_outputs_safe_and_is_told() {
    let bench = Bench::start_with(REJECT_PLAN, Some(Driven::Panics));
    let safe = bench.safe.clone();
    bench.wait_for_end();
    assert!(safe.is_set());
    assert!(matches!(bench.stop(), Err(RejectError::Panicked)));
}

#[test]
fn a_line_that_is_gone_leaves_the_rest_safe_and_is_told() {
    let bench = Bench::start_with(REJECT_PLAN, Some(Driven::Fails));
    let safe = bench.safe.clone();
    bench.wait_for_end();
    assert!(safe.is_set());
    let error = bench.stop().unwrap_err().to_string();
    assert!(error.contains("gpio.reject: the bench is gone"), "{error}");
}

#[test]
fn nothing_is_allocated_on_the_way_from_an_edge_to_the_output() {
    let mut bench = Bench::start(RejectPlan { delay: Delay::Time { delay_ns: 4 * MS, lead_ns: MS }, ..REJECT_PLAN });
    started(&mut bench);
    let before = bench.driven().last().unwrap().allocations;
    for _ in 0..200 {
        bench.edges(&[Edge { kind: EdgeKind::Trigger, at: monotonic_ns() }]);
        let (part, _) = triggered(&mut bench);
        if part.0 % 2 == 0 {
            bench.handles.inspection.send(Command::Accept { part, recipe: 0 });
        }
        bench.handles.station.send(Command::Raise(Fault::DiskFull));
        bench.handles.station.send(Command::Clear(Fault::DiskFull));
        settled(&mut bench);
    }
    let last = bench.driven();
    assert!(last.len() > 100, "{} changes", last.len());
    assert!(last.iter().skip(2).all(|driven| driven.allocations == before), "the actuator's thread has allocated");
    bench.stop().unwrap();
}

#[test]
fn a_command_queue_that_is_full_says_so() {
    let mut bench = Bench::start_with(REJECT_PLAN, Some(Driven::Panics));
    while bench.is_running() {
        std::thread::yield_now();
    }
    let sent = (0..1_000).filter(|_| bench.handles.capture.send(Command::Acknowledge)).count();
    assert!((1..1_000).contains(&sent), "{sent}");
}
