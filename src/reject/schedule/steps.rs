//! The steps of [`Schedule::poll`], and what they share.

use super::super::belt::Belt;
use super::super::fault::{Fault, FaultSet};
use super::super::hold::Raised;
use super::super::part::{Event, Outputs, PartOutcome};
use super::super::plan::Delay;
use super::{STAMP_NS_MAX, Schedule};

impl Schedule {
    pub(super) fn check_belt(&mut self, now: u64) {
        if self.belt_stops_at().is_some_and(|at| now >= at) {
            self.occur(Fault::BeltStopped);
        }
    }

    /// None where nothing is on its way, or the belt is known to stand.
    pub(super) fn belt_stops_at(&self) -> Option<u64> {
        let belt = self.belt.as_ref().filter(|_| !self.hold.persists(Fault::BeltStopped))?;
        let waiting = self.parts.get(self.started).map(|part| part.at);
        // By the clock a part gets to the ejector without the belt. It may still be on its way.
        let unmoved = self.last_reached.filter(|(_, at)| self.is_timed() && belt.last().is_none_or(|last| last < *at));
        Some(belt.stopped_at(waiting.or(unmoved.map(|(announced, _)| announced))?))
    }

    pub(super) fn check_confirms(&mut self, now: u64) {
        while self.confirms.front().is_some_and(|deadline| now >= *deadline) {
            self.confirms.pop_front();
            self.occur(Fault::ConfirmMissed);
        }
    }

    /// Parts whose time before the ejector is over.
    pub(super) fn settle(&mut self, now: u64) {
        while self.started > 0 {
            let Some(part) = self.parts.pop_front_if(|part| part.end <= now) else { return };
            self.started -= 1;
            let outcome = part.outcome();
            *match outcome {
                PartOutcome::Passed => &mut self.counters.passed,
                PartOutcome::Rejected => &mut self.counters.rejected,
                PartOutcome::Caught => &mut self.counters.caught,
                PartOutcome::Missed => &mut self.counters.missed,
            } += 1;
            self.tell(Event::Settled { part: part.id, outcome, at: now, reached: part.reached });
        }
    }

    /// Parts that have reached the ejector.
    pub(super) fn start(&mut self, now: u64) {
        let plan = self.plan;
        while let Some(part) = self.parts.get_mut(self.started) {
            let reached = match plan.delay {
                Delay::Time { .. } => (part.due <= now).then_some(part.due),
                Delay::Counts { .. } => part.due_at,
            };
            let Some(reached) = reached else { return };
            part.reached = reached;
            part.end = now + part.pulse_ns;
            part.late = now - reached > plan.late_ns_max;
            if now - part.at > plan.age_ns_max {
                self.counters.expired += u64::from(part.accepted);
                part.accepted = false;
            }
            // The output has been where it is since before the part came.
            part.caught = self.outputs.reject && reached < now;
            self.last_reached = Some((part.at, reached));
            let (late, rejected) = (part.late, !part.accepted);
            self.started += 1;
            if late {
                self.occur(Fault::PulseLate);
            }
            if rejected {
                self.start_pulse(now);
            }
        }
    }

    /// The part that has just started is rejected.
    fn start_pulse(&mut self, now: u64) {
        let earlier = self.parts.iter().take(self.started - 1).any(|part| !part.accepted);
        let joined = earlier || self.outputs.reject;
        let close = joined || self.fell_at.is_some_and(|fell| now - fell < self.plan.gap_ns);
        if self.hold.is_held() {
            return;
        }
        self.counters.pulses_merged += u64::from(joined);
        if close && !self.plan.merge {
            self.occur(Fault::PartsTooClose);
        }
        if let Some(within) = self.plan.confirm_ns_max
            && self.confirms.push_back(now + within).is_err()
        {
            self.occur(Fault::ConfirmMissed);
        }
    }

    pub(super) fn end_faults(&mut self, now: u64) {
        let position = if self.is_timed() { now } else { self.count() };
        // Parts of the recipe before may take longer.
        let pulse_ns = || self.parts.iter().map(|part| part.pulse_ns).fold(self.plan.pulse_ns, u64::max);
        let ended = self.hold.poll(now, position, pulse_ns);
        if !self.hold.is_held() {
            // Parts of the recipe before, which may have had a longer way, have passed.
            self.way_max = self.plan.delay.way();
        }
        self.tell_ended(ended);
    }

    pub(super) fn drive(&mut self, now: u64) -> Outputs {
        let firing = self.parts.iter().take(self.started).any(|part| !part.accepted);
        let held = self.hold.is_held();
        let bridged = self.plan.merge && self.outputs.reject && self.pulse_follows(now);
        let reject = firing || held || bridged;
        if reject != self.outputs.reject {
            self.counters.reject_pulses += u64::from(reject && firing && !held);
            self.fell_at = if reject { self.fell_at } else { Some(now) };
            self.tell(Event::Reject { active: reject, at: now, late_ns: 0 });
        }
        let before = self.parts.iter_mut().take(self.started);
        before.for_each(|part| part.caught |= reject);
        self.outputs = Outputs { reject, ready: !held, fault: self.hold.active().shows() };
        self.outputs
    }

    /// Whether the ejector could not go back and fire again before the next part that has no accept.
    fn pulse_follows(&self, now: u64) -> bool {
        let Some(part) = self.parts.iter().skip(self.started).find(|part| !part.accepted) else { return false };
        let pause = match self.plan.delay {
            Delay::Time { .. } => Some(part.due.saturating_sub(now)),
            Delay::Counts { .. } => {
                let interval = self.belt.as_ref().and_then(Belt::interval_ns);
                interval.map(|interval| part.due.saturating_sub(self.count()).saturating_mul(interval))
            }
        };
        pause.is_some_and(|pause| pause < self.plan.gap_ns)
    }

    pub(super) fn count(&self) -> u64 {
        self.belt.as_ref().map_or(0, Belt::count)
    }

    pub(super) fn occur(&mut self, fault: Fault) {
        let raised = self.hold.raise(fault, self.due_now());
        self.counters.faults[fault as usize] += u64::from(raised != Raised::Known);
        if raised == Raised::New {
            self.tell(Event::Fault { fault, active: true, at: self.now });
        }
    }

    pub(super) fn resolve(&mut self, fault: Fault) {
        if self.hold.clear(fault, self.due_now()) {
            self.tell(Event::Fault { fault, active: false, at: self.now });
        }
    }

    /// Whether the ejector's distance is a time.
    pub(super) fn is_timed(&self) -> bool {
        matches!(self.plan.delay, Delay::Time { .. })
    }

    /// Where the last part that may be on the belt now reaches the ejector.
    pub(super) fn due_now(&self) -> u64 {
        let position = if self.is_timed() { self.now } else { self.count() };
        position + self.way_max
    }

    /// The clock, which never goes back.
    pub(super) fn tick(&mut self, now: u64) -> u64 {
        if now < self.now {
            self.occur(Fault::ClockJump);
        }
        self.now = self.now.max(now);
        self.now
    }

    /// An edge's own time, which is not to come.
    pub(super) fn stamp(&mut self, at: u64, now: u64) -> u64 {
        if at > now + STAMP_NS_MAX {
            self.occur(Fault::ClockJump);
        }
        at.min(now)
    }

    pub(super) fn tell_ended(&mut self, faults: FaultSet) {
        faults.iter().for_each(|fault| self.tell(Event::Fault { fault, active: false, at: self.now }));
    }

    pub(super) fn tell(&mut self, event: Event) {
        if self.events.push_back(event).is_err() {
            self.counters.events_lost += 1;
        }
    }
}
