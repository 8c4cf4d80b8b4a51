//! Whether the right parts went the right way, from the real positions and the output's levels alone.

use crosscheck::reject::fault::Fault;
use crosscheck::reject::part::PartOutcome;

use super::plan::MS;
use super::world::person::Acts;
use super::world::{Truth, World};

/// What was met in all lines together.
#[derive(Default, Debug)]
pub struct Seen {
    pub parts: u64,
    outcomes: [u64; 4],
    unseen: u64,
    blind: u64,
    overflowed: u64,
    late_verdicts: u64,
    foreign_verdicts: u64,
    /// Accepted parts that were flushed by a change of the recipe, or by a hold.
    flushed: u64,
    expired: u64,
    pulses_merged: u64,
    /// Accepted parts that were ejected with a neighbour, and not by a fault.
    caught_by_neighbours: u64,
    edges_ignored: u64,
    acts: Acts,
    faults: [u64; Fault::ALL.len()],
}

impl Seen {
    /// Everything that a simulation has to meet.
    pub fn all(&self) -> Vec<(&'static str, u64)> {
        let [passed, rejected, caught, missed] = self.outcomes;
        let outcomes = [("passed", passed), ("rejected", rejected), ("caught", caught), ("missed", missed)];
        let rest = [
            ("unseen", self.unseen),
            ("overflowed", self.overflowed),
            ("late verdicts", self.late_verdicts),
            ("verdicts by another recipe", self.foreign_verdicts),
            ("flushed", self.flushed),
            ("expired", self.expired),
            ("pulses merged", self.pulses_merged),
            ("caught by neighbours", self.caught_by_neighbours),
            ("edges ignored", self.edges_ignored),
        ];
        let Acts { tightened, loosened, unconfirmed, out_of_range, kept, ended, configured } = self.acts;
        let acts = [
            ("tightened", tightened),
            ("loosened with a word", loosened),
            ("not confirmed", unconfirmed),
            ("out of range", out_of_range),
            ("override kept", kept),
            ("override ended", ended),
            ("configured otherwise", configured),
        ];
        let faults = Fault::ALL.into_iter().zip(self.faults);
        // Injected in other tests: the first cannot come from a monotonic clock, the others are not the schedule's.
        let elsewhere = [Fault::ClockJump, Fault::DiskFull, Fault::DepthLost, Fault::EngineError, Fault::Untaught];
        let here = faults.filter(|(fault, _)| !elsewhere.contains(fault));
        outcomes.into_iter().chain(rest).chain(acts).chain(here.map(|(fault, count)| (fault.name(), count))).collect()
    }
}

pub fn judge(world: &mut World, seen: &mut Seen) {
    world.arrivals();
    let world = &*world;
    let levels = Levels::new(&world.levels);
    let holds = Levels::new(&world.holds);
    // By the schedule's reckoning and in truth: they differ where the belt stood or the encoder failed.
    let starts = |part: &Truth| [part.arrival, part.reached];
    let rejected = world.parts.iter().filter(|part| !part.accepted || is_expired(part));
    let mut rejected: Vec<u64> = rejected.flat_map(starts).flatten().collect();
    rejected.sort();
    for part in &world.parts {
        let arrival = part.arrival.unwrap_or_else(|| panic!("{part:?} never arrives"));
        seen.parts += 1;
        seen.unseen += u64::from(part.id.is_none());
        let scheduled = part.id.is_some() && !part.overflowed;
        assert_eq!(part.settled.is_some(), scheduled, "{part:?} is lost");
        if touches(&world.blind, arrival, arrival) {
            seen.blind += 1;
            continue;
        }
        flushed(world, &levels, part, seen);
        let late_ns_max = world.plan.settings.late_ns_max;
        let stalled = touches(&world.stalls, arrival, arrival + late_ns_max);
        match part.settled {
            None => covered(world, &levels, part, 0),
            Some((outcome, _)) if part.accepted => accepted(world, &levels, part, outcome, seen),
            Some((PartOutcome::Missed, _)) if stalled => {}
            Some((PartOutcome::Rejected | PartOutcome::Missed, _)) => covered(world, &levels, part, late_ns_max),
            Some(settled) => panic!("{part:?} has no accept, and is {settled:?}"),
        }
        if let Some((PartOutcome::Caught, at)) = part.settled {
            let (from, to) = (arrival.min(at), arrival.max(at));
            let held = holds.is_on_within(from, to + 1);
            assert!(held || near(world, &rejected, arrival), "{part:?} was caught by nothing");
            seen.caught_by_neighbours += u64::from(!held);
        }
    }
    count(world, seen);
    widths(world);
    if world.plan.is_calm() {
        let faults = Fault::ALL.into_iter().filter(|f| world.faults[*f as usize] > 0);
        let odd = faults.filter(|f| !matches!(f, Fault::Starting | Fault::PartsTooClose | Fault::QueueOverflow));
        assert_eq!(odd.collect::<Vec<_>>(), [], "faults on a line without any");
        assert_eq!(world.told.settled[PartOutcome::Missed as usize], 0);
    }
}

/// The part must have been ejected: the output is at reject from at most `slack_ns` after its arrival on.
fn covered(world: &World, levels: &Levels, part: &Truth, slack_ns: u64) {
    let arrival = part.arrival.unwrap_or_default();
    let (from, to) = (arrival + slack_ns, arrival + part.recipe.pulse_ns);
    assert!(levels.is_on_throughout(from, to), "no accept, and it passes: {part:?}, {:?}", world.plan.settings);
}

/// No part passes by the verdict of another recipe than its own; and none that was on the belt while the recipe changed,
/// or while the output was held.
fn flushed(world: &World, levels: &Levels, part: &Truth, seen: &mut Seen) {
    let arrival = part.arrival.unwrap_or_default();
    assert!(!part.accepted || part.judged_by == Some(part.recipe.number), "{part:?} was judged by another recipe");
    let was_on_the_belt = |(from, until): &&(u64, u64)| part.at < *until && *from < arrival;
    if !world.changes.iter().any(|change| was_on_the_belt(&change)) {
        return;
    }
    // By the clock it was before the ejector while the belt stood.
    if !touches(&world.stops, part.at, arrival) || world.is_counted() {
        assert!(levels.is_on_throughout(arrival, arrival + part.recipe.pulse_ns), "it passes unflushed: {part:?}");
        seen.flushed += u64::from(part.accepted);
    }
}

/// An accepted part must not have been ejected, or it is said so.
fn accepted(world: &World, levels: &Levels, part: &Truth, outcome: PartOutcome, seen: &mut Seen) {
    let settings = &world.plan.settings;
    let (arrival, at) = (part.arrival.unwrap_or_default(), part.settled.map_or(0, |settled| settled.1));
    let passes = (arrival, arrival + part.recipe.pulse_ns);
    // By the clock it was before the ejector while the belt stood.
    let moved = !touches(&world.stops, part.at, arrival) || world.is_counted();
    match outcome {
        PartOutcome::Passed if moved => {
            assert!(!levels.is_on_within(passes.0, passes.1), "accepted and ejected: {part:?}, {settings:?}");
            assert!(arrival - part.at <= settings.age_ns_max, "{part:?} is too old");
        }
        PartOutcome::Caught if moved => {
            assert!(levels.is_on_within(arrival, at.max(passes.1)), "{part:?} was not caught, {settings:?}");
        }
        PartOutcome::Passed | PartOutcome::Caught => {}
        PartOutcome::Rejected | PartOutcome::Missed => {
            assert!(at - part.at > settings.age_ns_max, "{part:?} was accepted in time");
            seen.expired += 1;
        }
    }
}

fn is_expired(part: &Truth) -> bool {
    part.settled.is_some_and(|(outcome, _)| matches!(outcome, PartOutcome::Rejected | PartOutcome::Missed))
}

/// Whether a rejected part is near enough to share its pulse.
fn near(world: &World, rejected: &[u64], arrival: u64) -> bool {
    let settings = &world.plan.settings;
    let reach = world.plan.pulses_ns().1 + settings.gap_ns + settings.late_ns_max + 31 * MS;
    let first = rejected.partition_point(|other| other + reach < arrival);
    rejected.get(first).is_some_and(|other| *other < arrival + reach)
}

fn touches(times: &[(u64, u64)], from: u64, to: u64) -> bool {
    let first = times.partition_point(|(_, end)| *end < from);
    times.get(first).is_some_and(|(start, _)| *start <= to)
}

/// The schedule's sums are those of its events, and those of what happened.
fn count(world: &World, seen: &mut Seen) {
    let counters = world.schedule.counters();
    let [passed, rejected, caught, missed] = world.told.settled;
    assert_eq!([counters.passed, counters.rejected, counters.caught, counters.missed], world.told.settled);
    assert_eq!(counters.triggered, passed + rejected + caught + missed + counters.overflowed);
    assert_eq!((counters.triggered, counters.late_verdicts), (world.told.triggered, world.told.late));
    assert_eq!(counters.foreign_verdicts, world.foreign_verdicts);
    let announced = world.parts.iter().filter(|part| part.id.is_some());
    assert_eq!(counters.triggered, announced.clone().count() as u64);
    assert_eq!(counters.overflowed, announced.clone().filter(|part| part.overflowed).count() as u64);
    assert_eq!(counters.accepted, announced.filter(|part| part.accepted).count() as u64);
    assert_eq!(counters.events_lost, 0);
    assert_eq!(world.schedule.in_flight(), 0);
    if world.confirms_lost == 0 && world.stalls.is_empty() {
        assert_eq!(world.faults[Fault::ConfirmMissed as usize], 0, "every part was seen in the bin");
    }
    for (i, count) in world.told.settled.into_iter().enumerate() {
        seen.outcomes[i] += count;
    }
    for (i, count) in world.faults.into_iter().enumerate() {
        assert!(counters.faults[i] >= count, "{:?}", Fault::ALL[i]);
        seen.faults[i] += count;
    }
    let expired = world.parts.iter().filter(|part| part.accepted && is_expired(part));
    assert_eq!(counters.expired, expired.count() as u64);
    seen.overflowed += counters.overflowed;
    seen.late_verdicts += counters.late_verdicts;
    seen.foreign_verdicts += counters.foreign_verdicts;
    seen.pulses_merged += counters.pulses_merged;
    seen.edges_ignored += counters.edges_ignored;
    let (all, acts) = (&mut seen.acts, world.person.acts);
    all.tightened += acts.tightened;
    all.loosened += acts.loosened;
    all.unconfirmed += acts.unconfirmed;
    all.out_of_range += acts.out_of_range;
    all.kept += acts.kept;
    all.ended += acts.ended;
    all.configured += acts.configured;
}

/// No pulse is too short, and no pause between two.
fn widths(world: &World) {
    let settings = &world.plan.settings;
    for pair in world.levels.windows(2) {
        let ((from, reject), (to, _)) = (pair[0], pair[1]);
        if reject {
            assert!(to - from >= world.plan.pulses_ns().0, "a pulse of {} ns, {settings:?}", to - from);
        } else if world.plan.is_calm()
            && settings.merge
            && !world.is_counted()
            && world.schedule.counters().overflowed == 0
        {
            assert!(to - from >= settings.gap_ns, "a pause of {} ns, {settings:?}", to - from);
        }
    }
}

/// A level over time, from its changes.
struct Levels<'a>(&'a [(u64, bool)]);

impl<'a> Levels<'a> {
    fn new(changes: &'a [(u64, bool)]) -> Self {
        Self(changes)
    }

    /// The levels within `from..to`, the one at `from` first.
    fn within(&self, from: u64, to: u64) -> impl Iterator<Item = bool> + 'a {
        let first = self.0.partition_point(|(at, _)| *at <= from) - 1;
        self.0[first..].iter().take_while(move |(at, _)| *at < to).map(|(_, on)| *on)
    }

    fn is_on_throughout(&self, from: u64, to: u64) -> bool {
        from >= to || self.within(from, to).all(|on| on)
    }

    fn is_on_within(&self, from: u64, to: u64) -> bool {
        from < to && self.within(from, to).any(|on| on)
    }
}
