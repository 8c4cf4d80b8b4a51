//! The line itself: belt, parts, encoder, photo-eyes and an actuator that is never quite on time.

mod arrivals;
mod changes;
mod encoder;
pub mod person;
mod truth;

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use crosscheck::reject::fault::Fault;
use crosscheck::reject::part::{Accept, Event, PartId, PartOutcome};
use crosscheck::reject::plan::{Delay, RejectRecipe};
use crosscheck::reject::schedule::Schedule;
use fastrand::Rng;

use encoder::Mishap;
use person::Person;
pub use truth::Truth;

use super::plan::{Chances, JITTER_NS, MS, Plan};

/// Something that happens at a time, in the order of the enum where times are equal.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Happening {
    Edge,
    Trigger,
    Bounce,
    Accept(usize),
    Confirm,
    CameraBack,
    Acknowledge,
    /// Parts are judged by the recipe of this number from now on.
    Judges(u16),
    /// Its change is over.
    InForce,
    Release,
}

pub struct World {
    pub plan: Plan,
    pub schedule: Schedule,
    pub parts: Vec<Truth>,
    /// Levels of the output: (time, at reject).
    pub levels: Vec<(u64, bool)>,
    /// The same of ready, inverted.
    pub holds: Vec<(u64, bool)>,
    /// Times in which nobody could have known where the parts are.
    pub blind: Vec<(u64, u64)>,
    /// Times in which the actuator was away.
    pub stalls: Vec<(u64, u64)>,
    /// Times in which the belt stood, where parts arrive by the clock.
    pub stops: Vec<(u64, u64)>,
    /// Changes of the recipe, and holds: from when, and until when parts had to be rejected that were announced by then.
    pub changes: Vec<(u64, u64)>,
    pub foreign_verdicts: u64,
    pub confirms_lost: u64,
    pub faults: [u64; Fault::ALL.len()],
    pub told: Told,
    pub person: Person,
    rng: Rng,
    queue: BinaryHeap<Reverse<(u64, Happening)>>,
    now: u64,
    stalled_until: u64,
    /// Counts that really went by, and those that the actuator knows of.
    count: u64,
    known: u64,
    interval_ns: u64,
    mishap: Mishap,
    /// Edges since the last mishap.
    calm_edges: u32,
    next_part_count: u64,
    /// Parts on the way, as indices, for those that arrive by count.
    underway: VecDeque<usize>,
    by_id: Vec<usize>,
    starting: bool,
    camera_lost: bool,
    acknowledging: bool,
    /// The recipe under which parts are announced, and the one by which they are judged.
    recipe: RejectRecipe,
    judging: u16,
    changing: bool,
    held: bool,
    last_due: u64,
    /// Parts that have come so far.
    triggered: usize,
    last_settled: Option<PartId>,
}

/// Sums of the events.
#[derive(Default, Debug, Clone, Copy)]
pub struct Told {
    pub triggered: u64,
    pub settled: [u64; 4],
    pub late: u64,
}

impl World {
    pub fn new(seed: u64) -> Self {
        let mut rng = Rng::with_seed(seed);
        let plan = Plan::draw(&mut rng);
        let mut world = Self {
            schedule: Schedule::new(plan.settings, 0),
            parts: Vec::new(),
            levels: vec![(0, true)],
            holds: vec![(0, true)],
            blind: Vec::new(),
            stalls: Vec::new(),
            stops: Vec::new(),
            changes: Vec::new(),
            foreign_verdicts: 0,
            confirms_lost: 0,
            faults: [0; Fault::ALL.len()],
            told: Told::default(),
            person: Person::new(),
            rng,
            queue: BinaryHeap::new(),
            now: 0,
            stalled_until: 0,
            count: 0,
            known: 0,
            interval_ns: plan.interval_ns,
            mishap: Mishap::None,
            calm_edges: 0,
            next_part_count: 20,
            underway: VecDeque::new(),
            by_id: Vec::new(),
            starting: true,
            camera_lost: false,
            acknowledging: false,
            recipe: plan.recipes[0],
            judging: plan.recipes[0].number,
            changing: false,
            held: false,
            last_due: 0,
            triggered: 0,
            last_settled: None,
            plan,
        };
        if world.plan.settings.belt.is_some() {
            world.happens(MS, Happening::Edge);
        }
        if !world.is_counted() {
            world.happens(10 * MS, Happening::Trigger);
        }
        // Parts that come before this are never seen.
        world.happens(300 * MS, Happening::CameraBack);
        world
    }

    pub fn is_counted(&self) -> bool {
        matches!(self.plan.settings.delay, Delay::Counts { .. })
    }

    fn happens(&mut self, at: u64, what: Happening) {
        self.queue.push(Reverse((at, what)));
    }

    /// Runs until every part has gone by.
    pub fn run(&mut self) {
        let mut quiet = 0;
        while quiet < 3 {
            let happening = self.queue.peek().map(|Reverse((at, _))| *at);
            let wake = self.schedule.wake();
            let Some(next) = [happening, wake].into_iter().flatten().min() else { break };
            let jitter = self.rng.u64(0..JITTER_NS);
            self.now = (next + jitter).max(self.stalled_until).max(self.now);
            while let Some(&Reverse((at, what))) = self.queue.peek()
                && at <= self.now
            {
                self.queue.pop();
                self.handle(at, what);
            }
            self.poll();
            let over = self.triggered >= self.plan.parts && self.schedule.in_flight() == 0 && self.underway.is_empty();
            // The last faults end before the line does.
            quiet += u32::from(over && self.schedule.faults().is_empty());
            assert!(self.now < 200_000_000 * MS, "a part or a fault never ends: {:?}", self.schedule.faults());
        }
    }

    fn handle(&mut self, at: u64, what: Happening) {
        match what {
            Happening::Edge => self.edge(at),
            Happening::Trigger => self.part(at),
            Happening::Bounce => {
                let found = self.schedule.trigger(at, self.now);
                assert_eq!(found, None, "an edge within the debounce time is no part");
            }
            Happening::Accept(index) => self.accept(index),
            Happening::Confirm => self.schedule.confirm(),
            Happening::CameraBack => {
                let fault = if std::mem::take(&mut self.starting) { Fault::Starting } else { Fault::CameraLost };
                self.camera_lost = self.camera_lost && fault == Fault::Starting;
                self.schedule.clear(fault, self.now);
            }
            Happening::Acknowledge => {
                self.acknowledging = false;
                self.schedule.acknowledge(self.now);
            }
            Happening::Judges(recipe) => self.judging = recipe,
            Happening::InForce => {
                self.changing = false;
                self.ends(Fault::RecipeChange);
            }
            Happening::Release => {
                self.held = false;
                self.ends(Fault::Held);
            }
        }
    }

    fn is_calm(&self) -> bool {
        let belt = self.plan.settings.belt.is_none() || (self.mishap == Mishap::None && self.calm_edges > 30);
        belt && self.now > self.stalled_until + 5 * MS && self.triggered < self.plan.parts
    }

    /// Chances are per part; this is asked per edge or per part.
    fn happened(&mut self, chance: impl Fn(&Chances) -> f64) -> bool {
        self.rng.f64() < chance(&self.plan.chances)
    }

    /// A part passes the photo-eye.
    fn part(&mut self, at: u64) {
        if let Some(&(from, to)) = self.stops.last()
            && (from..to).contains(&at)
            && !self.is_counted()
        {
            return self.happens(to + MS / 2, Happening::Trigger);
        }
        // On a belt that is too fast, parts come nearer than the photo-eye tells apart.
        let apart = self.parts.last().map_or(0, |last| last.at + self.plan.settings.debounce_ns);
        if at < apart {
            return self.happens(apart, Happening::Trigger);
        }
        self.triggered += 1;
        if !self.is_counted() && self.triggered < self.plan.parts {
            let (least, most) = self.plan.pitch;
            let pitch = self.rng.u64(least..=most);
            self.happens(at + pitch, Happening::Trigger);
        }
        let (delay, due_known) = match self.recipe.delay {
            Delay::Counts { delay, .. } => (delay, self.known + delay),
            Delay::Time { delay_ns, .. } => (0, at + delay_ns),
        };
        let mut truth = Truth {
            id: None,
            at,
            arrival: None,
            due_count: self.count + delay,
            due_known: due_known.max(self.last_due),
            recipe: self.recipe,
            judged_by: None,
            accepted: false,
            overflowed: false,
            settled: None,
            reached: None,
            score: 0.25 * self.rng.f32(),
        };
        // Some lie around the thresholds.
        truth.score *= if self.rng.u8(0..16) == 0 { 8.0 } else { 1.0 };
        if self.rng.u8(0..64) == 0 {
            self.person.act(&mut self.rng);
        }
        if !((self.starting || self.camera_lost) && self.rng.bool()) {
            let overflowed = self.schedule.counters().overflowed;
            truth.id = self.schedule.trigger(at, self.now);
            assert_eq!(truth.id, Some(PartId(self.by_id.len() as u64)), "parts are numbered in order");
            truth.overflowed = self.schedule.counters().overflowed > overflowed;
            self.by_id.push(self.parts.len());
            if !truth.overflowed {
                self.last_due = truth.due_known;
            }
            self.follow(at, self.parts.len());
        }
        if self.is_counted() {
            let place = self.underway.partition_point(|index| self.parts[*index].due_count <= truth.due_count);
            self.underway.insert(place, self.parts.len());
        }
        self.parts.push(truth);
    }

    /// What follows from a part that was announced: its verdict, and mishaps.
    fn follow(&mut self, at: u64, index: usize) {
        let travel = match self.recipe.delay {
            Delay::Time { delay_ns, .. } => delay_ns,
            Delay::Counts { delay, .. } => delay * self.plan.interval_ns,
        };
        if self.rng.f64() < self.plan.accept_share {
            let careless = self.rng.f64() < self.plan.careless_share;
            let share = if careless { 1.2 * self.rng.f64() } else { 0.4 * self.rng.f64() };
            self.happens(at + (travel as f64 * share) as u64, Happening::Accept(index));
        }
        if self.happened(|c| c.bounce) {
            let debounce_ns = self.plan.settings.debounce_ns;
            let after = self.rng.u64(0..debounce_ns);
            self.happens(at + after, Happening::Bounce);
        }
        if !self.camera_lost && !self.starting && self.happened(|c| c.camera_lost) {
            self.camera_lost = true;
            self.schedule.raise(Fault::CameraLost, self.now);
            let away = self.rng.u64(50..500) * MS;
            self.happens(self.now + away, Happening::CameraBack);
        }
        self.change();
        if self.is_calm() && self.happened(|c| c.stall) {
            let away = self.rng.u64(MS / 10..30 * MS);
            self.stalled_until = self.now + away;
            self.stalls.push((self.now, self.stalled_until + JITTER_NS));
        }
    }

    fn accept(&mut self, index: usize) {
        let truth = &self.parts[index];
        let in_time = match self.recipe.delay {
            Delay::Time { lead_ns, .. } => self.now + lead_ns <= truth.due_known,
            Delay::Counts { lead, .. } => self.known + lead <= truth.due_known,
        };
        let Some(id) = truth.id else { return };
        if !self.person.passes(truth.score) {
            return;
        }
        let expected = match in_time && !truth.overflowed {
            true if truth.recipe.number == self.judging => Accept::InTime,
            true => Accept::OtherRecipe,
            false => Accept::Late,
        };
        assert_eq!(self.schedule.accept(id, self.judging, self.now), expected, "{truth:?}");
        self.foreign_verdicts += u64::from(expected == Accept::OtherRecipe);
        self.parts[index].judged_by = Some(self.judging);
        self.parts[index].accepted = expected == Accept::InTime;
        assert_eq!(self.schedule.accept(PartId(u64::MAX), 0, self.now), Accept::Unknown);
    }

    fn poll(&mut self) {
        let outputs = self.schedule.poll(self.now);
        let shown = self.schedule.faults();
        assert_eq!(
            outputs.fault,
            shown.iter().any(|f| !matches!(f, Fault::Starting | Fault::RecipeChange | Fault::Held | Fault::Untaught)),
            "the fault output shows every fault but what the station or a person does"
        );
        if shown.iter().any(|fault| fault != Fault::DiskFull) {
            assert!(outputs.reject && !outputs.ready, "{outputs:?} with {shown:?}");
        }
        assert!(self.schedule.wake().is_none_or(|wake| wake > self.now), "time stands still");
        if outputs.reject != self.levels.last().unwrap().1 {
            self.levels.push((self.now, outputs.reject));
        }
        if outputs.ready == self.holds.last().unwrap().1 {
            self.holds.push((self.now, !outputs.ready));
        }
        while let Some(event) = self.schedule.next_event() {
            self.hear(event);
        }
        if shown.contains(Fault::ConfirmMissed) && !std::mem::replace(&mut self.acknowledging, true) {
            self.happens(self.now + 300 * MS, Happening::Acknowledge);
        }
    }

    fn hear(&mut self, event: Event) {
        match event {
            Event::Triggered { .. } => self.told.triggered += 1,
            Event::LateVerdict { .. } => self.told.late += 1,
            Event::Fault { fault, active, .. } => self.faults[fault as usize] += u64::from(active),
            Event::Reject { active, at, .. } => assert_eq!((at, active), *self.levels.last().unwrap()),
            Event::Settled { part, outcome, at, reached } => {
                assert!(self.last_settled.is_none_or(|last| last < part), "parts settle in order");
                self.last_settled = Some(part);
                self.told.settled[outcome as usize] += 1;
                let truth = &mut self.parts[self.by_id[part.0 as usize]];
                assert_eq!(truth.settled.replace((outcome, at)), None, "a part settles once");
                truth.reached = Some(reached);
                if outcome == PartOutcome::Rejected && self.plan.settings.confirm_ns_max.is_some() {
                    if self.happened(|c| c.confirm_lost) {
                        self.confirms_lost += 1;
                    } else {
                        let after = self.rng.u64(MS..50 * MS);
                        self.happens(self.now + after, Happening::Confirm);
                    }
                }
            }
        }
    }
}
