//! A reject line in memory: the real actuator, with a photo-eye and an output that the test reads.

use std::collections::BTreeMap;
use std::os::fd::BorrowedFd;
use std::sync::{Arc, Mutex};

use crosscheck::reject::actuator::{Options, Running, start};
use crosscheck::reject::fault::Fault;
use crosscheck::reject::part::{Event, Outputs, PartOutcome};
use crosscheck::reject::plan::{Delay, RejectPlan};
use crosscheck::reject::{Edge, EdgeKind, Edges, INPUTS_MAX, RejectError, Sink};
use crosscheck::runtime::Listener;

/// Edges are looked for whenever the actuator wakes, which the heartbeat sees to.
const HEARTBEAT_NS: u64 = 1_000_000;
const EDGES_MAX: usize = 256;

/// What was seen at the ejector.
#[derive(Default)]
pub struct Seen {
    pub outcomes: BTreeMap<u64, PartOutcome>,
    pub triggered: u64,
    /// Faults that came (true) and went, in order.
    pub faults: Vec<(Fault, bool)>,
    pub outputs: Option<Outputs>,
}

impl Seen {
    /// How a fault came and went.
    pub fn course(&self, fault: Fault) -> Vec<bool> {
        self.faults.iter().filter(|(seen, _)| *seen == fault).map(|(_, active)| *active).collect()
    }
}

/// Announces parts from outside.
#[derive(Clone)]
pub struct PhotoEye(Arc<Mutex<Vec<u64>>>);

impl PhotoEye {
    pub fn edge(&self, at_ns: u64) {
        self.0.lock().unwrap().push(at_ns);
    }
}

impl Edges for PhotoEye {
    fn files(&self) -> heapless::Vec<BorrowedFd<'_>, INPUTS_MAX> {
        heapless::Vec::new()
    }

    fn read(&mut self, take: &mut dyn FnMut(Edge)) -> Result<(), RejectError> {
        self.0.lock().unwrap().drain(..).for_each(|at| take(Edge { kind: EdgeKind::Trigger, at }));
        Ok(())
    }
}

struct Output(Arc<Mutex<Seen>>);

impl Sink for Output {
    fn drive(&mut self, outputs: Outputs) -> Result<(), RejectError> {
        self.0.lock().unwrap().outputs = Some(outputs);
        Ok(())
    }

    fn heartbeat(&mut self, _: bool) -> Result<(), RejectError> {
        Ok(())
    }

    fn make_safe(&mut self) {
        self.0.lock().unwrap().outputs = Some(Outputs::SAFE);
    }
}

/// A line, and what is seen of it.
pub struct MemoryLine {
    pub running: Running,
    pub photo_eye: PhotoEye,
    pub seen: Arc<Mutex<Seen>>,
}

impl MemoryLine {
    /// `delay_ms`: from trigger to ejector, of which the last 20 ms are too late for an accept.
    pub fn start(delay_ms: u64) -> Self {
        Self::start_in_recipe(0, delay_ms)
    }

    pub fn start_in_recipe(recipe: u16, delay_ms: u64) -> Self {
        let plan = RejectPlan {
            recipe,
            delay: Delay::Time { delay_ns: delay_ms * 1_000_000, lead_ns: 20_000_000 },
            pulse_ns: 1_000_000,
            gap_ns: 0,
            merge: true,
            age_ns_max: 600_000_000_000,
            // A busy machine is no fault here.
            late_ns_max: 60_000_000_000,
            debounce_ns: 0,
            confirm_ns_max: None,
            belt: None,
            pitch_counts: None,
        };
        let photo_eye = PhotoEye(Arc::new(Mutex::new(Vec::with_capacity(EDGES_MAX))));
        let seen = Arc::new(Mutex::new(Seen::default()));
        let options = Options { priority: None, lock_memory: false, heartbeat_ns: HEARTBEAT_NS };
        let running = start(plan, options, Box::new(Output(seen.clone())), Box::new(photo_eye.clone())).unwrap();
        Self { running, photo_eye, seen }
    }

    /// What keeps the record of what was seen. `forgets` parts: a long run's record would grow.
    pub fn listener(&self, forgets: bool) -> Listener {
        let seen = self.seen.clone();
        Box::new(move |event, _| {
            let mut seen = seen.lock().unwrap();
            match *event {
                Event::Triggered { .. } => seen.triggered += 1,
                Event::Settled { part, outcome, .. } if !forgets => drop(seen.outcomes.insert(part.0, outcome)),
                Event::Fault { fault, active, .. } => seen.faults.push((fault, active)),
                Event::Settled { .. } | Event::LateVerdict { .. } | Event::Reject { .. } => {}
            }
        })
    }
}
