//! The station's own thread: it takes requests, hands changes over to the inspection, and tells the service manager how
//! the station does.

use std::fmt::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use heapless::spsc::{Consumer, Producer};

use super::change::{CaptureChange, Change};
use super::metrics::{Count, Gauge, Metrics};
use super::shared::Shared;
use super::threads::Threads;
use super::watchdog::ServiceManager;
use crate::reject::fault::Fault;
use crate::reject::sender::Sender;
use crate::reject::tally::Tally;

/// How often the threads are looked after, and a request is taken.
const TICK: Duration = Duration::from_millis(50);
const TICKS_PER_STATUS: u32 = 20;

/// A request to a running station.
pub enum Request {
    Stop,
    /// With a flush, only where [`Status::flushing`] is not set.
    Change(Box<Change>),
    /// A person has seen to the faults that wait for one.
    Acknowledge,
    /// The output is to be held at reject, or released.
    Hold(bool),
}

/// Facts of a running station that a request may depend on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// Width and height of the camera's frames, once there was one.
    pub frame: Option<(usize, usize)>,
    /// Whether the belt is flushed for a change.
    pub flushing: bool,
}

/// The ends of the queues by which changes go to other threads, and by which what they replaced comes back.
pub struct Changes<'a> {
    pub inspection: Producer<'a, Change>,
    pub replaced: Consumer<'a, Change>,
    pub capture: Producer<'a, CaptureChange>,
    pub captured: Consumer<'a, CaptureChange>,
}

/// A change for which the belt is flushed.
enum Flushing {
    /// The actuator does not know yet that parts are announced for another judge.
    Announced(Box<Change>),
    /// The other threads have it.
    Under,
}

/// The work of the station's own thread.
pub struct Supervision<'a> {
    shared: &'a Shared,
    /// Whether the books of the parts cannot be written.
    failing: &'a [Arc<AtomicBool>],
    metrics: &'a Metrics,
    manager: &'a ServiceManager,
    sender: Sender,
    changes: Changes<'a>,
    flushing: Option<Flushing>,
    /// Flushes so far.
    flushes: u32,
    /// Changes for which there was no room yet, merged.
    pending: Option<Change>,
}

impl<'a> Supervision<'a> {
    pub fn new(
        (shared, failing): (&'a Shared, &'a [Arc<AtomicBool>]),
        metrics: &'a Metrics,
        manager: &'a ServiceManager,
        sender: Sender,
        changes: Changes<'a>,
    ) -> Self {
        Self { shared, failing, metrics, manager, sender, changes, flushing: None, flushes: 0, pending: None }
    }

    /// Supervises the threads until one of them ends, or a request to stop comes.
    pub fn run(&mut self, threads: &Threads, tally: &Tally, requests: &mut dyn FnMut(&Status) -> Option<Request>) {
        let mut tick = 0;
        while threads.are_running() {
            // One for each tick, so that any number of requests leaves time for the rest.
            match requests(&self.status()) {
                Some(Request::Stop) => return,
                Some(Request::Change(change)) if change.flush.is_some() => {
                    assert!(self.flushing.is_none(), "whoever asks looks at the status first");
                    self.flushing = Some(Flushing::Announced(change));
                }
                Some(Request::Change(change)) => self.adopt(*change),
                Some(Request::Acknowledge) => drop(self.sender.acknowledge()),
                Some(Request::Hold(true)) => self.sender.raise(Fault::Held),
                Some(Request::Hold(false)) => self.sender.clear(Fault::Held),
                None => {}
            }
            self.flush();
            self.hand_over();
            self.metrics.take_over(tally);
            match self.shared.failing.load(Relaxed) || self.failing.iter().any(|failing| failing.load(Relaxed)) {
                true => self.sender.raise(Fault::DiskFull),
                false => self.sender.clear(Fault::DiskFull),
            }
            if tick % TICKS_PER_STATUS == 0 {
                self.tell_manager();
            }
            tick += 1;
            std::thread::sleep(TICK);
        }
    }

    fn status(&self) -> Status {
        let frame = self.shared.frame.load(Relaxed);
        Status {
            frame: (frame != 0).then_some(((frame >> 32) as usize, (frame & u64::from(u32::MAX)) as usize)),
            flushing: self.flushing.is_some(),
        }
    }

    fn adopt(&mut self, change: Change) {
        self.pending = Some(self.pending.take().unwrap_or_default().then(change));
    }

    /// Goes on with a change of which no part may be judged by both sides: the output is held at reject, parts are
    /// announced under the new recipe, then inspection and capture change; once they have, everything on the belt passes
    /// as a reject.
    fn flush(&mut self) {
        match self.flushing.take() {
            Some(Flushing::Announced(mut change)) => match change.flush.take() {
                Some(flush) if self.sender.change_recipe(flush.reject) => {
                    let refused = self.changes.capture.enqueue(flush.capture);
                    assert!(refused.is_ok(), "one flush is under way at a time");
                    self.adopt(*change);
                    self.flushes += 1;
                    self.flushing = Some(Flushing::Under);
                }
                flush => {
                    change.flush = flush;
                    self.flushing = Some(Flushing::Announced(change));
                }
            },
            Some(Flushing::Under) if self.is_in_force() => self.sender.clear(Fault::RecipeChange),
            flushing => self.flushing = flushing,
        }
    }

    fn is_in_force(&self) -> bool {
        let Shared { flushes_inspected, flushes_captured, .. } = self.shared;
        [flushes_inspected, flushes_captured].iter().all(|done| done.load(Relaxed) == self.flushes)
    }

    /// Hands what is pending over to the inspection, and drops what was replaced.
    fn hand_over(&mut self) {
        while self.changes.replaced.dequeue().is_some() {}
        while self.changes.captured.dequeue().is_some() {}
        if self.changes.inspection.ready()
            && let Some(change) = self.pending.take()
        {
            let refused = self.changes.inspection.enqueue(change);
            assert!(refused.is_ok(), "there was room");
        }
    }

    fn tell_manager(&self) {
        let total = |count| self.metrics.total(count);
        let unscored = self.metrics.sum(&Count::UNSCORED);
        let mut text = heapless::String::<256>::new();
        let written = write!(
            text,
            "STATUS={:.1} frames/s, {} parts: {} passed, {} review, {} rejected, {} without a verdict, {} late; last score {:.4}, threshold {:.4}",
            self.metrics.gauge(Gauge::FramesPerSecond),
            total(Count::Parts),
            total(Count::Passed),
            total(Count::Reviewed),
            total(Count::Rejected),
            unscored,
            total(Count::LateVerdicts),
            self.metrics.gauge(Gauge::LastScore),
            self.metrics.gauge(Gauge::Threshold),
        );
        // Sums so large that the text is too long are not reached on any production line.
        if written.is_ok() {
            self.manager.status(&text);
        }
    }
}
