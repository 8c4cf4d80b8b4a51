//! One thing at a time: the table of faults, deadlines to the nanosecond, merging, the belt.

use crosscheck::reject::belt::BeltSettings;
use crosscheck::reject::fault::{Fault, Recover, Rule};
use crosscheck::reject::part::{Accept, Event, PartId, PartOutcome};
use crosscheck::reject::plan::{Delay, RejectPlan};
use crosscheck::reject::schedule::{PARTS_MAX, Schedule};

use super::plan::MS;

const TIMED: RejectPlan = RejectPlan {
    recipe: 0,
    delay: Delay::Time { delay_ns: 500 * MS, lead_ns: 20 * MS },
    pulse_ns: 30 * MS,
    gap_ns: 10 * MS,
    merge: true,
    age_ns_max: 10_000 * MS,
    late_ns_max: 5 * MS,
    debounce_ns: 2 * MS,
    confirm_ns_max: None,
    belt: None,
    pitch_counts: None,
};

const BELT: BeltSettings = BeltSettings { interval_ns_min: MS, stopped_ns: 100 * MS, missing_pulses: true };

const COUNTED: RejectPlan = RejectPlan { delay: Delay::Counts { delay: 100, lead: 10 }, belt: Some(BELT), ..TIMED };

/// A line that has started at 0, and whose first parts have passed: its clock is at 1 s.
fn line(settings: RejectPlan) -> Schedule {
    let mut line = Schedule::new(settings, 0);
    line.clear(Fault::Starting, 0);
    for at in (1..=500).map(|i| 2 * i * MS) {
        line.encoder_edge(at, 0, at);
        line.poll(at);
    }
    assert!(line.poll(1_000 * MS).ready);
    while line.next_event().is_some() {}
    line
}

/// Events until now.
fn events(line: &mut Schedule) -> Vec<Event> {
    std::iter::from_fn(|| line.next_event()).collect()
}

/// Outcomes until now.
fn outcomes(line: &mut Schedule) -> Vec<(u64, PartOutcome)> {
    let settled = |event| match event {
        Event::Settled { part, outcome, .. } => Some((part.0, outcome)),
        _ => None,
    };
    events(line).into_iter().filter_map(settled).collect()
}

/// Whether the output is at reject at each of `times_ms`.
fn rejects(line: &mut Schedule, times_ms: &[u64]) -> Vec<bool> {
    times_ms.iter().map(|at| line.poll(at * MS).reject).collect()
}

#[test]
fn the_table_of_faults() {
    let rule = |output, hold, recover| Rule { output, hold, recover };
    let expected = [
        (Fault::Starting, rule(false, true, Recover::ClearAndFlush)),
        (Fault::CameraLost, rule(true, true, Recover::ClearAndFlush)),
        (Fault::DepthLost, rule(true, true, Recover::ClearAndFlush)),
        (Fault::EngineError, rule(true, true, Recover::ClearAndFlush)),
        (Fault::QueueOverflow, rule(true, true, Recover::Flush)),
        (Fault::ClockJump, rule(true, true, Recover::Flush)),
        (Fault::PulseLate, rule(true, true, Recover::Flush)),
        (Fault::BeltStopped, rule(true, true, Recover::ClearAndFlush)),
        (Fault::BeltTooFast, rule(true, true, Recover::ClearAndFlush)),
        (Fault::EncoderMissed, rule(true, true, Recover::Flush)),
        (Fault::PartsTooClose, rule(true, true, Recover::Flush)),
        (Fault::ConfirmMissed, rule(true, true, Recover::Acknowledge)),
        (Fault::DiskFull, rule(true, false, Recover::Clear)),
        (Fault::RecipeChange, rule(false, true, Recover::ClearAndFlush)),
        (Fault::Held, rule(false, true, Recover::ClearAndFlush)),
        (Fault::Untaught, rule(false, true, Recover::ClearAndFlush)),
    ];
    assert_eq!(expected.map(|(fault, _)| fault), Fault::ALL);
    for (fault, rule) in expected {
        assert_eq!(fault.rule(), rule, "{fault:?}");
        let mut line = line(TIMED);
        line.raise(fault, 1_000 * MS);
        let outputs = line.poll(1_000 * MS);
        assert_eq!((outputs.reject, outputs.ready, outputs.fault), (rule.hold, !rule.hold, rule.output), "{fault:?}");
        // Without anybody's help it ends only if it is one that does.
        let after = line.poll(1_500 * MS);
        assert_eq!((after.reject, after.fault), (rule.hold, rule.output), "{fault:?}");
        let ended = line.poll(1_530 * MS);
        let by_itself = rule.recover == Recover::Flush;
        assert_eq!((ended.reject, ended.fault), (rule.hold && !by_itself, rule.output && !by_itself), "{fault:?}");
        line.clear(fault, 2_000 * MS);
        assert_eq!(line.poll(2_499 * MS).reject, rule.hold && !by_itself, "{fault:?}");
        line.poll(2_500 * MS);
        let cleared = line.poll(2_530 * MS);
        let by_hand = rule.recover == Recover::Acknowledge;
        assert_eq!((cleared.reject, cleared.ready, cleared.fault), (by_hand, !by_hand, by_hand), "{fault:?}");
        line.acknowledge(2_530 * MS);
        assert!(line.poll(2_530 * MS).ready && line.faults().is_empty(), "{fault:?}");
        let told: Vec<bool> = events(&mut line)
            .into_iter()
            .filter_map(|e| matches!(e, Event::Fault { .. }).then_some(matches!(e, Event::Fault { active: true, .. })))
            .collect();
        assert_eq!(told, [true, false], "{fault:?}");
    }
}

#[test]
fn nothing_passes_before_the_first_frame_was_judged() {
    let mut line = Schedule::new(TIMED, 0);
    assert!(rejects(&mut line, &[0, 10_000, 20_000]).iter().all(|reject| *reject));
    line.clear(Fault::Starting, 20_000 * MS);
    assert_eq!(rejects(&mut line, &[20_499, 20_500, 20_529, 20_530]), [true, true, true, false]);
}

#[test]
fn a_part_without_an_accept_has_its_pulse_to_the_nanosecond() {
    let mut line = line(TIMED);
    let part = line.trigger(1_100 * MS, 1_100 * MS);
    assert_eq!((part, line.wake()), (Some(PartId(0)), Some(1_600 * MS)));
    assert!(!line.poll(1_600 * MS - 1).reject);
    assert!(line.poll(1_600 * MS).reject);
    assert_eq!(line.wake(), Some(1_630 * MS));
    assert!(line.poll(1_630 * MS - 1).reject);
    assert!(!line.poll(1_630 * MS).reject);
    assert_eq!((line.wake(), line.in_flight()), (None, 0));
    let [triggered, up, settled, down] = events(&mut line)[..] else { panic!("four events") };
    assert_eq!(triggered, Event::Triggered { part: PartId(0), at: 1_100 * MS, count: 0, recipe: 0 });
    assert_eq!(up, Event::Reject { active: true, at: 1_600 * MS, late_ns: 0 });
    assert_eq!(
        settled,
        Event::Settled { part: PartId(0), outcome: PartOutcome::Rejected, at: 1_630 * MS, reached: 1_600 * MS }
    );
    assert_eq!(down, Event::Reject { active: false, at: 1_630 * MS, late_ns: 0 });
}

#[test]
fn an_accept_counts_until_its_deadline_and_never_after() {
    for (after_ns, expected, outcome) in
        [(0, Accept::InTime, PartOutcome::Passed), (1, Accept::Late, PartOutcome::Rejected)]
    {
        let mut line = line(TIMED);
        let part = line.trigger(1_100 * MS, 1_100 * MS).unwrap();
        assert_eq!(line.accept(part, 0, 1_580 * MS + after_ns), expected);
        let second = if expected == Accept::Late { Accept::Late } else { Accept::Unknown };
        assert_eq!(line.accept(part, 0, 1_580 * MS + after_ns), second);
        rejects(&mut line, &[1_600, 1_630]);
        assert_eq!(outcomes(&mut line), [(0, outcome)]);
        assert_eq!(line.accept(part, 0, 1_700 * MS), Accept::Late, "after it has gone");
        assert_eq!(line.accept(PartId(1), 0, 1_700 * MS), Accept::Unknown);
    }
    let mut line = line(COUNTED);
    let parts = [0, 3].map(|later| line.trigger((1_001 + later) * MS, (1_001 + later) * MS).unwrap());
    (501..=590).for_each(|i| line.encoder_edge(2 * i * MS, 0, 2 * i * MS));
    assert_eq!(line.accept(parts[0], 0, 1_180 * MS), Accept::InTime, "at count 590 of 600");
    line.encoder_edge(1_182 * MS, 0, 1_182 * MS);
    assert_eq!(line.accept(parts[1], 0, 1_182 * MS), Accept::Late);
}

#[test]
fn pulses_nearer_than_the_gap_become_one_and_say_whom_they_caught() {
    let mut line = line(TIMED);
    let parts = [1_100, 1_120, 1_139].map(|at| line.trigger(at * MS, at * MS).unwrap());
    line.accept(parts[1], 0, 1_200 * MS);
    assert_eq!(
        rejects(&mut line, &[1_600, 1_620, 1_630, 1_638, 1_639, 1_650, 1_668, 1_669]),
        [true, true, true, true, true, true, true, false]
    );
    assert_eq!(outcomes(&mut line), [(0, PartOutcome::Rejected), (1, PartOutcome::Caught), (2, PartOutcome::Rejected)]);
    assert_eq!((line.counters().reject_pulses, line.counters().pulses_merged), (1, 1));
}

#[test]
fn a_gap_is_kept_as_soon_as_the_next_part_is_accepted() {
    let mut line = line(TIMED);
    let parts = [1_100, 1_135].map(|at| line.trigger(at * MS, at * MS).unwrap());
    assert_eq!(rejects(&mut line, &[1_600, 1_610]), [true, true]);
    assert_eq!(line.accept(parts[1], 0, 1_612 * MS), Accept::InTime);
    assert_eq!(rejects(&mut line, &[1_630, 1_635, 1_665]), [false, false, false]);
    assert_eq!(outcomes(&mut line), [(0, PartOutcome::Rejected), (1, PartOutcome::Passed)]);
}

#[test]
fn parts_too_close_for_an_ejector_that_cannot_merge_are_a_fault() {
    let mut line = line(RejectPlan { merge: false, ..TIMED });
    for at in [1_100, 1_139, 1_200] {
        line.trigger(at * MS, at * MS);
    }
    assert_eq!(rejects(&mut line, &[1_600, 1_630, 1_639, 1_690, 1_700, 1_730]), [true, false, true, true, true, true]);
    assert!(line.faults().contains(Fault::PartsTooClose));
    assert_eq!(rejects(&mut line, &[2_139, 2_168, 2_169]), [true, true, false]);
}

#[test]
fn a_part_too_many_holds_the_output_until_it_has_passed() {
    let mut line = line(RejectPlan { debounce_ns: 0, ..TIMED });
    let parts: Vec<PartId> =
        (0..=PARTS_MAX as u64).map(|i| line.trigger(1_100 * MS + i, 1_100 * MS + i).unwrap()).collect();
    assert_eq!((line.in_flight(), line.counters().overflowed), (PARTS_MAX, 1));
    assert!(line.poll(1_101 * MS).reject && line.faults().contains(Fault::QueueOverflow));
    assert_eq!(line.accept(parts[PARTS_MAX], 0, 1_101 * MS), Accept::Late, "it has no place");
    let all = parts[..PARTS_MAX].iter().all(|part| line.accept(*part, 0, 1_101 * MS) == Accept::InTime);
    assert!(all);
    assert_eq!(rejects(&mut line, &[1_600, 1_601, 1_630, 1_631]), [true, true, true, false]);
    assert_eq!(line.counters().caught, PARTS_MAX as u64);
    let ended = events(&mut line).into_iter().filter(|e| matches!(e, Event::Fault { active: false, .. })).count();
    assert_eq!(ended, 1);
}

#[test]
fn a_rejected_part_that_is_not_seen_in_the_bin_waits_for_a_person() {
    let mut line = line(RejectPlan { confirm_ns_max: Some(200 * MS), ..TIMED });
    line.trigger(1_100 * MS, 1_100 * MS);
    line.trigger(1_200 * MS, 1_200 * MS);
    rejects(&mut line, &[1_600, 1_630]);
    line.confirm();
    rejects(&mut line, &[1_700, 1_730]);
    assert_eq!(line.wake(), Some(1_900 * MS));
    assert_eq!(rejects(&mut line, &[1_899, 1_900, 90_000]), [false, true, true]);
    line.confirm();
    assert!(line.poll(90_001 * MS).fault, "it came too late, or was another");
    line.acknowledge(90_002 * MS);
    assert!(line.poll(90_002 * MS).ready);
    assert_eq!(line.counters().confirmed, 1);
}

#[test]
fn a_clock_that_goes_back_or_an_edge_from_the_future_is_a_fault() {
    let mut back = line(TIMED);
    assert!(back.poll(999 * MS).reject && back.faults().contains(Fault::ClockJump));
    let mut future = line(TIMED);
    // A driver that stamps edges by the wall clock.
    future.trigger(1_700_000_000_000 * MS, 1_000 * MS);
    assert!(future.faults().contains(Fault::ClockJump));
    assert_eq!(rejects(&mut future, &[1_500, 1_530]), [true, false]);
    assert_eq!(outcomes(&mut future), [(0, PartOutcome::Rejected)]);
}

#[test]
fn an_actuator_that_wakes_too_late_says_that_a_part_may_have_passed() {
    let mut line = line(TIMED);
    line.trigger(1_100 * MS, 1_100 * MS);
    assert_eq!(rejects(&mut line, &[1_606]), [true]);
    assert!(line.faults().contains(Fault::PulseLate));
    rejects(&mut line, &[1_636]);
    assert_eq!(outcomes(&mut line), [(0, PartOutcome::Missed)]);
    assert_eq!(rejects(&mut line, &[2_105, 2_106, 2_135, 2_136]), [true, true, true, false]);
}

#[test]
fn the_belt_stops_with_the_only_part_before_the_ejector() {
    let belt = Some(BeltSettings { stopped_ns: 50 * MS, ..BELT });
    let mut line = line(RejectPlan { belt, ..TIMED });
    line.trigger(1_100 * MS, 1_100 * MS);
    (501..=795).for_each(|i| line.encoder_edge(2 * i * MS, 0, 2 * i * MS));
    // It stands from 1,590 ms on; by the clock the part is ejected at 1,600, but it lies 10 ms before the ejector.
    assert_eq!(rejects(&mut line, &[1_600, 1_630, 1_639, 1_640]), [true, false, false, true]);
    assert!(line.faults().contains(Fault::BeltStopped));
    line.encoder_edge(5_000 * MS, 0, 5_000 * MS);
    assert_eq!(rejects(&mut line, &[5_010, 5_499, 5_500, 5_529, 5_530]), [true, true, true, true, false]);
}

#[test]
fn a_standing_belt_with_nothing_on_it_is_no_fault() {
    let mut line = line(COUNTED);
    assert!(line.poll(3_600_000 * MS).ready);
    line.trigger(3_600_000 * MS, 3_600_000 * MS);
    assert_eq!(rejects(&mut line, &[3_600_099, 3_600_100]), [false, true]);
}

#[test]
fn a_belt_that_is_too_fast_holds_the_output_until_it_is_slower_and_empty() {
    let mut line = line(COUNTED);
    let mut at = 1_000 * MS;
    let mut run = |line: &mut Schedule, interval: u64, edges: usize| {
        for _ in 0..edges {
            at += interval;
            line.encoder_edge(at, 0, at);
            line.poll(at);
        }
        line.poll(at)
    };
    assert!(run(&mut line, MS + MS / 8, 50).ready);
    assert!(run(&mut line, MS / 2, 8).reject && line.faults().contains(Fault::BeltTooFast));
    assert!(run(&mut line, MS, 500).reject, "at the limit it is not over");
    assert!(run(&mut line, 2 * MS, 50).reject, "100 counts have to pass");
    assert!(run(&mut line, 2 * MS, 80).ready);
}

#[test]
fn the_encoder_announces_parts_at_its_pitch() {
    let mut line = line(RejectPlan { pitch_counts: Some(40), ..COUNTED });
    events(&mut line);
    (501..=600).for_each(|i| line.encoder_edge(2 * i * MS, 0, 2 * i * MS));
    let counts = events(&mut line).into_iter().filter_map(|event| match event {
        Event::Triggered { count, .. } => Some(count),
        _ => None,
    });
    assert_eq!(counts.collect::<Vec<_>>(), [520, 560, 600]);
}

#[test]
fn a_part_that_is_found_in_a_frame_gets_the_count_of_the_frames_time() {
    let mut line = line(COUNTED);
    let count = |line: &mut Schedule, at_ms: u64| {
        line.trigger(at_ms * MS, 1_000 * MS);
        events(line).into_iter().find_map(|e| if let Event::Triggered { count, .. } = e { Some(count) } else { None })
    };
    assert_eq!(count(&mut line, 901), Some(450));
    assert_eq!(count(&mut line, 1_000), Some(500));
    // Counted every 2 ms, so there is no part of it in the history of a line that runs for weeks.
    let mut old = Schedule::new(COUNTED, 0);
    (1..=5_000).for_each(|i| old.encoder_edge(2 * i * MS, 0, 2 * i * MS));
    old.trigger(10 * MS, 10_000 * MS);
    assert!(old.faults().contains(Fault::QueueOverflow), "too long ago to be scheduled");
}

#[test]
fn a_bounce_is_no_part_and_the_next_part_is_one() {
    let mut line = line(TIMED);
    let at = [0, MS, 2 * MS - 1, 2 * MS].map(|after| line.trigger(1_100 * MS + after, 1_103 * MS));
    assert_eq!(at, [Some(PartId(0)), None, None, Some(PartId(1))]);
    assert_eq!((line.counters().edges_ignored, line.counters().triggered), (2, 2));
}
