//! When the output goes to reject and back: a state machine over a clock that its caller reads. It allocates nothing,
//! locks nothing, and reads no clock of its own.
//!
//! Every trigger schedules a reject. Only an accept before the decision deadline cancels it.

mod steps;

use heapless::Deque;

use super::belt::{Belt, Speed};
use super::fault::{Fault, FaultSet};
use super::hold::Hold;
use super::part::{Accept, Counters, Event, Outputs, Part, PartId};
use super::plan::{Delay, RejectPlan, RejectRecipe};

/// Parts between camera and ejector.
pub const PARTS_MAX: usize = 256;
/// Rejected parts that have not reached the bin yet.
const CONFIRMS_MAX: usize = 64;
/// Events between two calls of [`Schedule::next_event`].
const EVENTS_MAX: usize = 1024;
/// An edge's time may be this far ahead of the clock that it is compared with.
const STAMP_NS_MAX: u64 = 100_000_000;

/// The parts on their way, the faults, and the outputs that follow from them.
pub struct Schedule {
    plan: RejectPlan,
    now: u64,
    next: u64,
    last_trigger: Option<u64>,
    /// The longest way from the trigger to the ejector of a part on the belt, nanoseconds or counts.
    way_max: u64,
    /// When the last part to reach the ejector was announced, and when it got there.
    last_reached: Option<(u64, u64)>,
    /// In the order of their triggers; the first `started` are before the ejector.
    parts: Deque<Part, PARTS_MAX>,
    started: usize,
    belt: Option<Belt>,
    hold: Hold,
    /// When each rejected part has to be seen in the bin.
    confirms: Deque<u64, CONFIRMS_MAX>,
    outputs: Outputs,
    /// When the output last left reject.
    fell_at: Option<u64>,
    events: Deque<Event, EVENTS_MAX>,
    counters: Counters,
}

impl Schedule {
    /// A schedule without parts. Its output is at reject until [`Fault::Starting`] is cleared.
    pub fn new(plan: RejectPlan, now: u64) -> Self {
        let mut schedule = Self {
            plan,
            now,
            next: 0,
            last_trigger: None,
            way_max: plan.delay.way(),
            last_reached: None,
            parts: Deque::new(),
            started: 0,
            belt: plan.belt.map(Belt::new),
            hold: Hold::default(),
            confirms: Deque::new(),
            outputs: Outputs::SAFE,
            fell_at: None,
            events: Deque::new(),
            counters: Counters::default(),
        };
        schedule.occur(Fault::Starting);
        schedule
    }

    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    pub fn faults(&self) -> FaultSet {
        self.hold.active()
    }

    /// Parts on their way, those before the ejector included.
    pub fn in_flight(&self) -> usize {
        self.parts.len()
    }

    /// The oldest event that nobody has taken.
    pub fn next_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// Announces a part at `at`, a time that may lie in the past. None for an edge that is taken for bounce of the one before.
    /// A part for which there is no room gets a number, but is not scheduled: the output is held at reject until it has
    /// passed.
    pub fn trigger(&mut self, at: u64, now: u64) -> Option<PartId> {
        let now = self.tick(now);
        let mut at = self.stamp(at, now);
        if let Some(last) = self.last_trigger {
            if at < last {
                self.occur(Fault::ClockJump);
                at = last;
            } else if at - last < self.plan.debounce_ns {
                self.counters.edges_ignored += 1;
                return None;
            }
        }
        self.last_trigger = Some(at);
        let id = PartId(self.next);
        let count = self.belt.as_ref().map_or(Some(0), |belt| belt.count_at(at));
        self.next += 1;
        self.counters.triggered += 1;
        let recipe = self.plan.recipe;
        self.tell(Event::Triggered { part: id, at, count: count.unwrap_or(0), recipe });
        let due = match (self.plan.delay, count) {
            (Delay::Time { delay_ns, .. }, _) => Some(at + delay_ns),
            (Delay::Counts { delay, .. }, count) => count.map(|count| count + delay),
        };
        // After a change to a shorter way, it may be there before parts of the longer one. The output is at reject until
        // all of these have passed, so that the order of the triggers may stand for that of the ejector.
        let due = due.map(|due| self.parts.back().map_or(due, |before| before.due.max(due)));
        let due_at = due.filter(|due| !self.is_timed() && *due <= self.count()).map(|_| at);
        let scheduled = due.is_some_and(|due| {
            let pulse_ns = self.plan.pulse_ns;
            let part = Part { id, at, due, due_at, recipe, pulse_ns, ..Part::default() };
            self.parts.push_back(part).is_ok()
        });
        if !scheduled {
            self.counters.overflowed += 1;
            self.occur(Fault::QueueOverflow);
        }
        Some(id)
    }

    /// Cancels the part's reject, if its decision deadline has not passed and it was announced under `recipe`, by which it
    /// was judged.
    pub fn accept(&mut self, part: PartId, recipe: u16, now: u64) -> Accept {
        let now = self.tick(now);
        if part.0 >= self.next {
            return Accept::Unknown;
        }
        let position = match self.plan.delay {
            Delay::Time { lead_ns, .. } => now + lead_ns,
            Delay::Counts { lead, .. } => self.count() + lead,
        };
        let started = self.started;
        let found = self.parts.iter_mut().skip(started).find(|p| p.id == part).filter(|p| position <= p.due);
        match found {
            Some(part) if part.recipe != recipe => {
                self.counters.foreign_verdicts += 1;
                Accept::OtherRecipe
            }
            Some(part) if part.accepted => Accept::Unknown,
            Some(part) => {
                part.accepted = true;
                self.counters.accepted += 1;
                Accept::InTime
            }
            None => {
                self.counters.late_verdicts += 1;
                self.tell(Event::LateVerdict { part, at: now });
                Accept::Late
            }
        }
    }

    /// Counts an encoder edge and the `lost` ones that the kernel could not keep before it.
    pub fn encoder_edge(&mut self, at: u64, lost: u32, now: u64) {
        let now = self.tick(now);
        let at = self.stamp(at, now);
        let Some(belt) = &mut self.belt else { return };
        let before = belt.count();
        let missed = belt.edge(at, lost);
        let (count, speed) = (belt.count(), belt.speed());
        if !self.is_timed() {
            let due = self.parts.iter_mut().skip(self.started).take_while(|part| part.due <= count);
            due.for_each(|part| part.due_at = part.due_at.or(Some(at)));
        }
        missed.into_iter().for_each(|fault| self.occur(fault));
        self.resolve(Fault::BeltStopped);
        match speed {
            Speed::TooFast => self.occur(Fault::BeltTooFast),
            Speed::Good => self.resolve(Fault::BeltTooFast),
            Speed::Unclear => {}
        }
        if let Some(pitch) = self.plan.pitch_counts {
            for _ in before / pitch..count / pitch {
                self.trigger(at, now);
            }
        }
    }

    /// A part was seen in the reject bin. One that is not waited for changes nothing.
    pub fn confirm(&mut self) {
        if self.confirms.pop_front().is_some() {
            self.counters.confirmed += 1;
        }
    }

    /// A fault has come. One that ends by itself is counted each time, the others when they come.
    pub fn raise(&mut self, fault: Fault, now: u64) {
        self.tick(now);
        self.occur(fault);
    }

    /// A fault's cause has gone.
    pub fn clear(&mut self, fault: Fault, now: u64) {
        self.tick(now);
        self.resolve(fault);
    }

    /// Parts are announced under `recipe` from now on, with its way to the ejector. The output is held at reject by
    /// [`Fault::RecipeChange`], which is to be cleared once the recipe is in force everywhere, and ends with a flush:
    /// whatever is on the belt by then passes as a reject.
    pub fn change_recipe(&mut self, recipe: RejectRecipe, now: u64) {
        self.tick(now);
        let units = [self.plan.delay, recipe.delay].map(|delay| matches!(delay, Delay::Time { .. }));
        assert_eq!(units[0], units[1], "one line has the ways of its recipes in one unit");
        self.occur(Fault::RecipeChange);
        self.plan.follow(recipe);
        self.way_max = self.way_max.max(recipe.delay.way());
    }

    /// A person has acknowledged the faults.
    pub fn acknowledge(&mut self, now: u64) {
        self.tick(now);
        let ended = self.hold.acknowledge();
        self.tell_ended(ended);
    }

    /// Brings everything up to `now`, and returns the outputs from now on.
    pub fn poll(&mut self, now: u64) -> Outputs {
        let now = self.tick(now);
        self.check_belt(now);
        self.check_confirms(now);
        self.settle(now);
        self.start(now);
        self.end_faults(now);
        self.drive(now)
    }

    /// When [`Self::poll`] has to be called again, if nothing else happens first.
    pub fn wake(&self) -> Option<u64> {
        let end = self.parts.front().filter(|_| self.started > 0).map(|part| part.end);
        let due = self.parts.get(self.started).filter(|_| self.is_timed()).map(|part| part.due);
        let flush = self.hold.wake(self.is_timed());
        let confirm = self.confirms.front().copied();
        [end, due, flush, confirm, self.belt_stops_at()].into_iter().flatten().min()
    }
}
