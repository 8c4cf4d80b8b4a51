//! Outputs and edges in memory.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use crosscheck::reject::actuator::{Actuator, ActuatorReport, Options, Running, start};
use crosscheck::reject::belt::BeltSettings;
use crosscheck::reject::channel::Handles;
use crosscheck::reject::part::Outputs;
use crosscheck::reject::plan::RejectPlan;
use crosscheck::reject::tally::Tally;
use crosscheck::reject::{Edge, Edges, INPUTS_MAX, RejectError, Sink};
use rustix::event::{EventfdFlags, eventfd};

use crate::allocations;

pub const MS: u64 = 1_000_000;
pub const BELT: BeltSettings = BeltSettings { interval_ns_min: 1_000, stopped_ns: 60_000 * MS, missing_pulses: true };

/// What can be wrong with the outputs.
#[derive(Clone, Copy)]
pub enum Driven {
    Panics,
    Fails,
}

/// The outputs at one time, and what the thread had allocated until then.
#[derive(Clone, Copy, Debug)]
pub struct Change {
    pub outputs: Outputs,
    pub allocations: u64,
}

#[derive(Clone, Default)]
pub struct Safe(Arc<AtomicBool>);

impl Safe {
    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

type Changes = Arc<Mutex<Vec<Change>>>;

struct MemorySink {
    changes: Changes,
    safe: Safe,
    wrong: Option<Driven>,
}

impl Sink for MemorySink {
    fn drive(&mut self, outputs: Outputs) -> Result<(), RejectError> {
        match self.wrong {
            Some(Driven::Panics) => panic!("the bench was asked to"),
            Some(Driven::Fails) => {
                return Err(RejectError::Gpio { name: "reject", reason: "the bench is gone".into() });
            }
            None => {}
        }
        let allocations = allocations::in_thread();
        let mut changes = self.changes.lock().unwrap();
        assert!(changes.len() < changes.capacity(), "the bench itself must not allocate");
        changes.push(Change { outputs, allocations });
        Ok(())
    }

    fn heartbeat(&mut self, _: bool) -> Result<(), RejectError> {
        Ok(())
    }

    fn make_safe(&mut self) {
        self.safe.0.store(true, Ordering::SeqCst);
    }
}

struct MemoryEdges {
    waiting: Arc<Mutex<Vec<Edge>>>,
    file: Arc<OwnedFd>,
}

impl Edges for MemoryEdges {
    fn files(&self) -> heapless::Vec<BorrowedFd<'_>, INPUTS_MAX> {
        [self.file.as_fd()].into_iter().collect()
    }

    fn read(&mut self, take: &mut dyn FnMut(Edge)) -> Result<(), RejectError> {
        let _ = rustix::io::read(&*self.file, &mut [0u8; 8]);
        self.waiting.lock().unwrap().drain(..).for_each(take);
        Ok(())
    }
}

pub struct Bench {
    pub handles: Handles,
    pub tally: Arc<Tally>,
    pub safe: Safe,
    actuator: Actuator,
    changes: Changes,
    waiting: Arc<Mutex<Vec<Edge>>>,
    file: Arc<OwnedFd>,
}

impl Bench {
    pub fn start(settings: RejectPlan) -> Self {
        Self::start_with(settings, None)
    }

    pub fn start_with(settings: RejectPlan, wrong: Option<Driven>) -> Self {
        let changes: Changes = Arc::new(Mutex::new(Vec::with_capacity(10_000)));
        let (safe, waiting) = (Safe::default(), Arc::default());
        let file = Arc::new(eventfd(0, EventfdFlags::NONBLOCK).unwrap());
        let sink = MemorySink { changes: changes.clone(), safe: safe.clone(), wrong };
        let edges = MemoryEdges { waiting: Arc::clone(&waiting), file: file.clone() };
        let options = Options { priority: None, lock_memory: false, heartbeat_ns: 5 * MS };
        let Running { handles, tally, actuator } = start(settings, options, Box::new(sink), Box::new(edges)).unwrap();
        Self { handles, tally, safe, actuator, changes, waiting, file }
    }

    /// Edges that come at once, in this order.
    pub fn edges(&self, edges: &[Edge]) {
        self.waiting.lock().unwrap().extend_from_slice(edges);
        rustix::io::write(&*self.file, &1u64.to_ne_bytes()).unwrap();
    }

    /// What was driven so far.
    pub fn driven(&self) -> Vec<Change> {
        self.changes.lock().unwrap().clone()
    }

    pub fn is_safe(&self) -> bool {
        self.safe.is_set()
    }

    pub fn is_running(&self) -> bool {
        self.actuator.is_running()
    }

    pub fn wait_for_end(&self) {
        while self.is_running() {
            std::thread::yield_now();
        }
    }

    pub fn stop(self) -> Result<ActuatorReport, RejectError> {
        self.actuator.stop()
    }
}
