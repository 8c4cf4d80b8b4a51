//! Parts that come through.

use std::sync::atomic::Ordering::Relaxed;

use crosscheck::camera::Opener;
use crosscheck::camera::synthetic::{Conveyor, Synthetic};
use crosscheck::clock::monotonic_ns;
use crosscheck::defects::Kind;
use crosscheck::reject::part::PartOutcome;
use crosscheck::runtime::Request;
use crosscheck::runtime::change::Change;
use crosscheck::runtime::judge::Judge;
use crosscheck::runtime::metrics::{Count, Latency};
use crosscheck::runtime::plan::Announced;
use crosscheck::scene::{Part, Surroundings};
use crosscheck::score::{Thresholds, Verdict};

use super::notified::Notified;
use crate::support::plant::{Plant, Step, in_step, judgement, script};

#[test]
fn every_part_gets_its_verdict_and_goes_its_way() {
    let steps: Vec<Step> = (0..24).map(|i| if i % 3 == 2 { Step::Bad } else { Step::Good }).collect();
    let report = Plant::new(Announced::ByEveryFrame, 3000).run(in_step(steps.clone()));
    report.result.unwrap();
    let expected: Vec<(u64, Verdict)> = (0..)
        .zip(&steps)
        .map(|(part, step)| (part, if *step == Step::Bad { Verdict::Reject } else { Verdict::Pass }))
        .collect();
    assert_eq!(report.verdicts, expected);
    // The first part was on the belt before the station was ready.
    assert_eq!(report.seen.outcomes[&0], PartOutcome::Caught);
    for (part, verdict) in &expected[1..] {
        let outcome = report.seen.outcomes[part];
        match verdict {
            // On a busy machine its neighbour's pulse may last until it comes.
            Verdict::Pass => {
                assert!(matches!(outcome, PartOutcome::Passed | PartOutcome::Caught), "part {part}: {outcome:?}")
            }
            _ => assert_eq!(outcome, PartOutcome::Rejected, "part {part}"),
        }
    }
    assert!(report.seen.outcomes.values().any(|outcome| *outcome == PartOutcome::Passed));
    assert_eq!(report.seen.outcomes.len(), 24);
    let total = |count| report.metrics.total(count);
    assert_eq!((total(Count::Parts), total(Count::Passed), total(Count::Rejected)), (24, 16, 8));
    // Nothing is found on parts that cannot be scored.
    assert!(Kind::ALL.iter().all(|kind| total((*kind).into()) == 0));
    assert_eq!((total(Count::FramesCaptured), total(Count::LateVerdicts)), (24, 0));
    let caught = report.seen.outcomes.values().filter(|outcome| **outcome == PartOutcome::Caught).count();
    assert_eq!((total(Count::PartsCaught), total(Count::PartsMissed)), (caught as u64, 0));
    assert_eq!(report.metrics.latencies(Latency::EdgeLate).count(), total(Count::RejectPulses));
    assert_eq!(total(Count::EventsLost), 0);
}

#[test]
fn the_service_manager_is_told_of_the_first_frame_and_of_every_part() {
    let notified = Notified::listen();
    let mut plant = Plant::new(Announced::ByEveryFrame, 3000);
    plant.manager = notified.manager();
    plant.run(in_step(vec![Step::Good; 12])).result.unwrap();
    let told = notified.told();
    let count = |message: &str| told.iter().filter(|told| *told == message).count();
    assert_eq!(count("READY=1"), 1);
    assert!(count("WATCHDOG=1") >= 12, "{told:?}");
    let ready = told.iter().position(|told| told == "READY=1");
    assert!(ready < told.iter().position(|told| told == "WATCHDOG=1"));
    let status = told.iter().rfind(|told| told.starts_with("STATUS=")).unwrap();
    assert!(status.contains("12 parts: 12 passed") && status.contains("frames/s"), "{status}");
}

#[test]
fn a_part_takes_the_frame_nearest_to_its_trigger() {
    let mut plant = Plant::new(Announced::ByEdges, 1500);
    plant.plan.timing.deadline_ns = None;
    let eye = plant.line.photo_eye.clone();
    // Ten frames a part, of which the fourth shows it; the others would be rejected.
    let camera = script(move |shown, judged| {
        let (part, frame) = (shown.saturating_sub(1) / 10, shown.saturating_sub(1) % 10);
        match (shown, part, frame) {
            (0, ..) => Step::Good,
            (_, 6, _) => Step::End,
            (_, part, 0) if judged < part => Step::Wait,
            _ => {
                std::thread::sleep(std::time::Duration::from_millis(4));
                if frame == 3 {
                    eye.edge(monotonic_ns());
                }
                if frame == 3 { Step::Good } else { Step::Bad }
            }
        }
    });
    let report = plant.run(camera);
    report.result.unwrap();
    assert_eq!(report.verdicts, (0..6).map(|part| (part, Verdict::Pass)).collect::<Vec<_>>());
}

#[test]
fn parts_of_a_running_belt_are_found_in_its_frames() {
    let belt = Conveyor {
        part: Part::Gland,
        seed: 1,
        speed_m_per_s: 0.4,
        pitch_m: 0.3,
        defect_share: 0.0,
        frame_rate_hz: 20.0,
        surroundings: Surroundings::default(),
        frames_max: 20,
        as_asked: false,
    };
    let mut plant = Plant::new(Announced::ByFrames, 1500);
    plant.plan.timing.deadline_ns = None;
    let judged = plant.judged.clone();
    let start_ns = monotonic_ns();
    let camera = Opener::new(move || Ok(Box::new(Synthetic::open(&belt)?)));
    let report = plant.run_camera(camera, move |_| (judged.load(Relaxed) >= 5).then_some(Request::Stop));
    report.result.unwrap();
    let parts: Vec<u64> = report.verdicts.iter().map(|(part, _)| *part).collect();
    // On a busy machine some are too many for the queue; those that are judged are in order.
    assert!(parts.is_sorted_by(|a, b| a < b) && parts.len() >= 5, "{parts:?}");
    // No part was found twice: they are 0.75 s apart.
    let seconds = (monotonic_ns() - start_ns) as f64 * 1e-9;
    assert!((report.seen.triggered as f64) < 2.0 + seconds / 0.75, "{} in {seconds} s", report.seen.triggered);
}

#[test]
fn thresholds_and_engines_change_between_parts_and_no_part_is_lost() {
    let mut plant = Plant::new(Announced::ByEveryFrame, 1500);
    plant.plan.timing.deadline_ns = None;
    let judged = plant.judged.clone();
    let camera = script({
        let judged = judged.clone();
        move |shown, _| match shown {
            60 => Step::End,
            // Parts follow each other closely, but never so that the queue is full.
            _ if shown > judged.load(Relaxed) + 2 => Step::Wait,
            _ => Step::Good,
        }
    });
    let mut sent = 0;
    let report = plant.run_with(camera, move |status| {
        assert!(status.frame.is_none_or(|size| size == (224, 224)));
        let due = judged.load(Relaxed) >= [10, 30, u64::MAX][sent];
        let judge = |reject| {
            let thresholds = Thresholds { reject, review: None };
            Judge::new(thresholds, [0.0, 1e6], "f".repeat(64))
        };
        due.then(|| {
            sent += 1;
            Request::Change(Box::new(match sent {
                1 => Change::from_judge(judge(0.0)),
                _ => Change { inspector: Some(Box::new(judgement(1e6).inspector)), ..Change::from_judge(judge(1e6)) },
            }))
        })
    });
    report.result.unwrap();
    let parts: Vec<u64> = report.verdicts.iter().map(|(part, _)| *part).collect();
    assert_eq!(parts, (0..60).collect::<Vec<_>>());
    let mut bands = report.verdicts.iter().map(|(_, verdict)| *verdict).collect::<Vec<_>>();
    bands.dedup();
    assert_eq!(bands, [Verdict::Pass, Verdict::Reject, Verdict::Pass]);
    assert_eq!(report.metrics.engine(), "f".repeat(16));
    // Each of the rejected is counted once, by its worst defect; this engine tells no kinds.
    let by_kind = Kind::ALL.map(|kind| (kind, report.metrics.total(kind.into())));
    let rejected = report.metrics.total(Count::Rejected);
    assert!(
        rejected > 5 && by_kind.iter().all(|(kind, n)| *n == if *kind == Kind::Unknown { rejected } else { 0 }),
        "{by_kind:?}"
    );
}
