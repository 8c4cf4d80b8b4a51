//! The station at work: threads joined by bounded queues, in which a fixed number of frames goes round.
//!
//! ```text
//! camera -> capture --jobs--> (preparation -->) inspection --accept--> actuator -> reject output
//!              ^                                   |  \--recorded--> recorder -> disk
//!              +---------------spare---------------+--------spare-------+
//! ```
//!
//! A part is rejected unless the inspection accepts it in time: whatever fails here lets no part pass.

mod announcer;
pub mod arithmetic;
pub mod books;
pub mod camera;
mod capture;
pub mod change;
pub mod drift;
mod each;
mod error;
pub mod finder;
mod follower;
pub mod inspection;
mod intake;
pub mod judge;
pub mod judgement;
pub mod last_run;
pub mod log_limit;
pub mod matching;
pub mod metrics;
pub mod part_frame;
pub mod plan;
mod positions;
pub mod recipe;
pub mod recorder;
mod shared;
mod supervision;
mod threads;
pub mod tracker;
pub mod watchdog;

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::thread::{Scope, ScopedJoinHandle, Thread};

use heapless::spsc::{Producer, Queue};

use crate::camera::Opener;
use crate::camera::supervisor::Supervisor;
use crate::clock;
use crate::identity::Names;
use crate::inspect::Inspector;
use crate::reject::actuator::Running;
use crate::reject::fault::{Fault, FaultSet};
use crate::reject::sender::Sender;
use books::{Books, UnjudgedParts};
use capture::CaptureThread;
pub use capture::Listener;
use change::{CaptureChange, Change};
pub use error::StationError;
use inspection::{InspectionThread, Watcher};
use intake::{Intake, JOBS_MAX, Job, PREPARED_MAX, PreparationThread, Source, Work};
use judgement::Judgement;
use metrics::Metrics;
use part_frame::PartFrame;
use plan::RuntimePlan;
use recorder::Recorder;
use shared::{Shared, StopOnDrop};
use supervision::{Changes, Supervision};
pub use supervision::{Request, Status};
use threads::{Threads, spawn};
use watchdog::ServiceManager;

/// Changes on their way to the inspection. Newer ones wait until there is room, and are merged meanwhile.
const CHANGES_MAX: usize = 1;
/// Changes that can be under way when this queue is emptied: those that wait, those on their way to the inspection thread,
/// and the one that it applies.
const REPLACED_MAX: usize = CHANGES_MAX + PREPARED_MAX + 1;
/// Changes of the capture thread that are under way: the belt is flushed for one at a time.
const FLUSHES_MAX: usize = 1;
/// Every queue of frames has room for all frames. The capacity of a queue is one less than its length.
const FRAMES_MAX: usize = 127;
/// Names of the faults in the order of their numbers, for [`Metrics::new`].
pub const FAULT_NAMES: [&str; Fault::ALL.len()] = {
    let mut names = [""; Fault::ALL.len()];
    let mut i = 0;
    while i < names.len() {
        names[i] = Fault::ALL[i].name();
        i += 1;
    }
    names
};

/// What a station works with. The actuator drives the outputs already.
pub struct Equipment {
    pub camera: Opener,
    pub judgement: Judgement,
    pub actuator: Running,
    /// What parts are called.
    pub names: Names,
    /// Each is shown every part once it is judged.
    pub watchers: Vec<Watcher>,
    pub listeners: Vec<Listener>,
    pub books: Books,
    pub metrics: Arc<Metrics>,
    pub manager: ServiceManager,
}

#[derive(Default)]
struct Queues {
    jobs: Queue<Job, { JOBS_MAX + 1 }>,
    spare_inspected: Queue<Box<PartFrame>, { FRAMES_MAX + 1 }>,
    spare_recorded: Queue<Box<PartFrame>, { FRAMES_MAX + 1 }>,
    recorded: Queue<Box<PartFrame>, { FRAMES_MAX + 1 }>,
    changes: Queue<Change, { CHANGES_MAX + 1 }>,
    replaced: Queue<Change, { REPLACED_MAX + 1 }>,
    captures: Queue<CaptureChange, { FLUSHES_MAX + 1 }>,
    captured: Queue<CaptureChange, { FLUSHES_MAX + 1 }>,
    prepared: Queue<Work, { PREPARED_MAX + 1 }>,
}

/// Runs a station until it is asked to stop, the recording that it plays ends, or something fails for good. `requests`
/// is called every 50 ms.
pub fn run(
    plan: &RuntimePlan,
    equipment: Equipment,
    requests: &mut dyn FnMut(&Status) -> Option<Request>,
) -> Result<(), StationError> {
    let camera = Supervisor::start(equipment.camera, plan.patience)?;
    let recorder = plan.recording.as_ref().map(|recording| Recorder::open(&recording.recorder)).transpose()?;
    let Equipment { judgement, names, watchers, listeners, books, metrics, manager, .. } = equipment;
    let Running { handles, tally, actuator } = equipment.actuator;
    let Books { unjudged, failing: unwritten } = books;
    let shared = Shared::default();
    let mut queues = Box::<Queues>::default();
    shared.heard_ns.store(clock::monotonic_ns(), Relaxed);
    metrics.set_judge(&judgement.judge);
    let (jobs_in, jobs_out) = queues.jobs.split();
    let (inspected_in, inspected_out) = queues.spare_inspected.split();
    let (written_in, written_out) = queues.spare_recorded.split();
    let (recorded_in, recorded_out) = queues.recorded.split();
    let (changes_in, changes_out) = queues.changes.split();
    let (replaced_in, replaced_out) = queues.replaced.split();
    let (prepared_in, prepared_out) = queues.prepared.split();
    let (captures_in, captures_out) = queues.captures.split();
    let (captured_in, captured_out) = queues.captured.split();
    std::thread::scope(|scope| {
        let (shared, metrics, manager) = (&shared, &*metrics, &manager);
        let _stop = StopOnDrop(shared);
        let [unseen, unjudged] = unjudged.map(|told| UnjudgedParts { metrics, told });
        let recorder = recorder.map(|recorder| {
            let (failing, stop) = (&shared.failing, &shared.stop_recorder);
            let links = recorder::Links { queue: recorded_out, spare: written_in, metrics, failing, stop };
            spawn(scope, "recorder", move || recorder.run(links))
        });
        let recorder = recorder.transpose()?;
        let Judgement { inspector, judge, preparation } = judgement;
        let Inspector { preparation: stage, scoring, .. } = inspector;
        let timing = plan.timing;
        let intake = Intake { stage, jobs: jobs_out, changes: changes_out, timing, metrics };
        let (source, intake) = Source::of(intake, prepared_out, shared);
        let recording = recording(plan, recorder.as_ref().map(ScopedJoinHandle::thread), recorded_in);
        let sender = Sender::new(handles.inspection, FaultSet::of(Fault::Starting));
        let (spare, replaced) = (inspected_in, replaced_in);
        let links =
            inspection::Links { source, spare, replaced, recording, sender, unjudged, metrics, manager, shared };
        let inspection = InspectionThread::new(scoring, judge, watchers, timing, links);
        let inspection = spawn(scope, "inspection", move || inspection.run())?;
        let ahead = intake.map(|intake| prepare_ahead(scope, intake, prepared_in, inspection.thread(), shared));
        let ahead = ahead.transpose()?;
        let capture = capture::Links {
            jobs: jobs_in,
            intake: ahead.as_ref().unwrap_or(&inspection).thread().clone(),
            frames_ahead: if ahead.is_some() { PREPARED_MAX } else { 0 },
            spare: [inspected_out, written_out],
            sender: Sender::new(handles.capture, FaultSet::default()),
            events: handles.events,
            names,
            changes: captures_out,
            replaced: captured_in,
            listeners,
            unjudged: unseen,
            metrics,
            shared,
        };
        let capture = CaptureThread::new(plan, camera, &preparation, capture);
        let capture = spawn(scope, "capture", move || capture.run())?;
        let threads = Threads { capture, preparation: ahead, inspection, recorder, actuator };
        let sender = Sender::new(handles.station, FaultSet::default());
        let changes =
            Changes { inspection: changes_in, replaced: replaced_out, capture: captures_in, captured: captured_out };
        let mut supervision = Supervision::new((shared, &*unwritten), metrics, manager, sender, changes);
        supervision.run(&threads, &tally, requests);
        manager.stopping();
        let ended = threads.join(shared);
        metrics.take_over(&tally);
        ended
    })
}

/// Starts the thread that prepares frames ahead of the inspection's.
fn prepare_ahead<'scope, 'a: 'scope>(
    scope: &'scope Scope<'scope, '_>,
    intake: Intake<'a>,
    prepared: Producer<'a, Work>,
    inspection: &Thread,
    shared: &'a Shared,
) -> Result<ScopedJoinHandle<'scope, ()>, StationError> {
    let ahead = PreparationThread { intake, prepared, inspection: inspection.clone(), shared };
    spawn(scope, "preparation", move || ahead.run())
}

fn recording<'a>(
    plan: &RuntimePlan,
    recorder: Option<&Thread>,
    queue: Producer<'a, Box<PartFrame>>,
) -> Option<inspection::Recording<'a>> {
    let (plan, recorder) = plan.recording.as_ref().zip(recorder)?;
    Some(inspection::Recording {
        queue,
        waiting_max: plan.waiting_max,
        pass_share: plan.pass_share,
        thread: recorder.clone(),
    })
}
