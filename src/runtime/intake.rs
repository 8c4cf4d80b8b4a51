//! What the inspection begins with: jobs and changes are taken in the order in which they come, and frames are prepared.
//! The inspection thread does this itself, unless a GPU prepares the frames: then a thread of its own prepares the next
//! frame while one is scored.

use std::sync::atomic::Ordering::Relaxed;
use std::thread::Thread;
use std::time::Duration;

use heapless::spsc::{Consumer, Producer};

use super::change::Change;
use super::metrics::{Latency, Metrics};
use super::part_frame::PartFrame;
use super::plan::Timing;
use super::shared::Shared;
use crate::clock;
use crate::inspect::{InspectError, PreparationStage};

/// Parts whose frames may wait for the inspection.
pub const JOBS_MAX: usize = 8;
/// Frames and changes that may be with the preparation thread, or wait between it and the inspection thread.
pub const PREPARED_MAX: usize = 1;
/// How long a thread sleeps where nothing wakes it.
pub const IDLE: Duration = Duration::from_millis(10);

/// A frame for the inspection.
pub enum Job {
    /// A frame that belongs to no part: it shows whether frames can be inspected at all.
    Trial(Box<PartFrame>),
    Part(Box<PartFrame>),
}

/// Work for the inspection thread.
pub enum Work {
    /// The preparation stage of another engine is in use already, and the replaced one is in its place.
    Change(Change),
    /// A frame that was prepared, or the reason why it was not.
    Frame { job: Job, prepared: Result<(), InspectError> },
    /// A part that was not prepared, as its deadline is over.
    Late(Box<PartFrame>),
}

/// Takes jobs and changes, and prepares the frames.
pub struct Intake<'a> {
    pub stage: PreparationStage,
    pub jobs: Consumer<'a, Job>,
    pub changes: Consumer<'a, Change>,
    pub timing: Timing,
    pub metrics: &'a Metrics,
}

impl Intake<'_> {
    /// The next work, if there is some: a change comes before the jobs that wait.
    fn next(&mut self) -> Option<Work> {
        if let Some(mut change) = self.changes.dequeue() {
            if let Some(inspector) = &mut change.inspector {
                std::mem::swap(&mut self.stage, &mut inspector.preparation);
            }
            self.timing = change.timing.unwrap_or(self.timing);
            return Some(Work::Change(change));
        }
        let mut job = self.jobs.dequeue()?;
        if let Job::Part(part_frame) = job {
            let taken_ns = clock::monotonic_ns();
            self.metrics.time(Latency::Queue, clock::between(part_frame.captured.captured_ns, taken_ns));
            if self.timing.is_late(part_frame.triggered_ns, taken_ns) {
                return Some(Work::Late(part_frame));
            }
            job = Job::Part(part_frame);
        }
        let (Job::Part(part_frame) | Job::Trial(part_frame)) = &mut job;
        let PartFrame { captured, at, inspection, .. } = &mut **part_frame;
        let prepared = self.stage.run(&captured.frame, *at, inspection);
        Some(Work::Frame { job, prepared })
    }
}

/// The thread that prepares frames ahead of the inspection thread.
pub struct PreparationThread<'a> {
    pub intake: Intake<'a>,
    pub prepared: Producer<'a, Work>,
    pub inspection: Thread,
    pub shared: &'a Shared,
}

impl PreparationThread<'_> {
    /// Prepares frames until no more jobs come.
    pub fn run(mut self) {
        self.shared.preparation.get_or_init(std::thread::current);
        while !self.shared.stop_inspection.load(Relaxed) {
            let is_over = self.shared.stop_preparation.load(Relaxed);
            // Nothing is taken in before there is room for it: the bound holds for frames and for changes.
            let work = if self.prepared.ready() { Some(self.intake.next()) } else { None };
            match work {
                Some(Some(work)) => {
                    let refused = self.prepared.enqueue(work);
                    assert!(refused.is_ok(), "there was room before");
                    self.inspection.unpark();
                }
                Some(None) if is_over => return,
                Some(None) | None => std::thread::park_timeout(IDLE),
            }
        }
    }
}

/// Where the inspection thread has its work from.
#[expect(clippy::large_enum_variant, reason = "there is one of them, and it stays where it is")]
pub enum Source<'a> {
    Own(Intake<'a>),
    /// From the preparation thread, which is woken when there is room for more.
    Ahead {
        prepared: Consumer<'a, Work>,
        shared: &'a Shared,
    },
}

impl<'a> Source<'a> {
    /// The work that comes through `intake`; and `intake`, if it is a preparation thread's, which gives the work through
    /// `prepared`.
    pub fn of(intake: Intake<'a>, prepared: Consumer<'a, Work>, shared: &'a Shared) -> (Self, Option<Intake<'a>>) {
        match intake.stage.runs_beside() {
            true => (Self::Ahead { prepared, shared }, Some(intake)),
            false => (Self::Own(intake), None),
        }
    }

    pub fn next(&mut self) -> Option<Work> {
        match self {
            Self::Own(intake) => intake.next(),
            Self::Ahead { prepared, shared } => {
                let work = prepared.dequeue()?;
                if let Some(thread) = shared.preparation.get() {
                    thread.unpark();
                }
                Some(work)
            }
        }
    }
}
