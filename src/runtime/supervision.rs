//! The station's own thread: it takes requests, hands changes over to the inspection, and tells the service manager how
//! the station does.

use std::fmt::Write;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use heapless::spsc::{Consumer, Producer};

use super::change::Change;
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
    Change(Box<Change>),
    /// A person has seen to the faults that wait for one.
    Acknowledge,
}

/// Facts of a running station that a request may depend on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// Width and height of the camera's frames, once there was one.
    pub frame: Option<(usize, usize)>,
}

/// The work of the station's own thread.
pub struct Supervision<'a> {
    shared: &'a Shared,
    metrics: &'a Metrics,
    manager: &'a ServiceManager,
    sender: Sender,
    changes: Producer<'a, Change>,
    replaced: Consumer<'a, Change>,
    /// Changes for which there was no room yet, merged.
    pending: Option<Change>,
}

impl<'a> Supervision<'a> {
    pub fn new(
        shared: &'a Shared,
        metrics: &'a Metrics,
        manager: &'a ServiceManager,
        sender: Sender,
        (changes, replaced): (Producer<'a, Change>, Consumer<'a, Change>),
    ) -> Self {
        Self { shared, metrics, manager, sender, changes, replaced, pending: None }
    }

    /// Supervises the threads until one of them ends, or a request to stop comes.
    pub fn run(&mut self, threads: &Threads, tally: &Tally, requests: &mut dyn FnMut(&Status) -> Option<Request>) {
        let mut tick = 0;
        while threads.are_running() {
            // One for each tick, so that any number of requests leaves time for the rest.
            match requests(&self.status()) {
                Some(Request::Stop) => return,
                Some(Request::Change(change)) => {
                    self.pending = Some(self.pending.take().unwrap_or_default().then(*change));
                }
                Some(Request::Acknowledge) => drop(self.sender.acknowledge()),
                None => {}
            }
            self.hand_over();
            self.metrics.take_over(tally);
            match self.shared.failing.load(Relaxed) {
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
        Status { frame: (frame != 0).then_some(((frame >> 32) as usize, (frame & u64::from(u32::MAX)) as usize)) }
    }

    /// Hands what is pending over to the inspection, and drops what was replaced.
    fn hand_over(&mut self) {
        while self.replaced.dequeue().is_some() {}
        if self.changes.ready()
            && let Some(change) = self.pending.take()
        {
            let refused = self.changes.enqueue(change);
            assert!(refused.is_ok(), "there was room");
        }
    }

    fn tell_manager(&self) {
        let total = |count| self.metrics.total(count);
        let unscored = total(Count::UnscoredNoFrame) + total(Count::UnscoredDropped) + total(Count::UnscoredEngine);
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
