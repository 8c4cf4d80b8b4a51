//! The station at work: threads joined by bounded queues, in which a fixed number of frames goes round.
//!
//! ```text
//! camera -> capture --jobs--> inspection --accept--> line -> reject output
//!              ^                  |  \--recorded--> recorder -> disk
//!              +------spare-------+--------spare-------+
//! ```
//!
//! A part is rejected unless the inspection accepts it in time: whatever fails here lets no part pass.

mod announcer;
pub mod camera;
mod capture;
pub mod change;
pub mod drift;
mod each;
pub mod finder;
pub mod inspection;
pub mod judge;
pub mod judgement;
pub mod last_run;
mod log_limit;
pub mod matching;
pub mod metrics;
pub mod plan;
mod positions;
pub mod recorder;
pub mod reload;
pub mod tracker;
pub mod watchdog;

use std::fmt::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::thread::{Builder, Scope, ScopedJoinHandle, Thread};
use std::time::Duration;

use heapless::spsc::{Consumer, Producer, Queue};
use thiserror::Error;

use crate::camera::supervisor::Supervisor;
use crate::camera::{CameraError, Opener};
use crate::clock;
use crate::reject::RejectError;
use crate::reject::actuator::{Actuator, Running};
use crate::reject::fault::{Fault, FaultSet};
use crate::reject::sender::Sender;
use crate::reject::tally::Tally;
use capture::CaptureThread;
pub use capture::Listener;
use change::Change;
use inspection::{InspectionThread, JOBS_MAX, Job, Watcher};
use judgement::Judgement;

use matching::PartFrame;
use metrics::{Count, Gauge, Metrics};
use plan::RuntimePlan;
use recorder::{Recorder, RecorderError};
use watchdog::ServiceManager;

/// Changes on their way to the inspection: one, which newer ones wait behind as one.
const CHANGES_MAX: usize = 1;
/// Every frame that there is fits into every queue of frames, the capacity of a queue being one less than its length.
const FRAMES_MAX: usize = 127;
/// Requests are looked for, and the rest supervised, so often.
const TICK: Duration = Duration::from_millis(50);
const TICKS_PER_STATUS: u32 = 20;

#[derive(Debug, Error)]
pub enum StationError {
    #[error(transparent)]
    Camera(#[from] CameraError),
    #[error(transparent)]
    Recorder(#[from] RecorderError),
    #[error(transparent)]
    Line(#[from] RejectError),
    #[error("cannot start the {thread} thread: {source}")]
    Spawn { thread: &'static str, source: std::io::Error },
    #[error("the {thread} thread ended by a panic, which is a fault of this program: please report it")]
    Panicked { thread: &'static str },
}

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

/// What a station works with.
pub struct Equipment {
    pub camera: Opener,
    pub judgement: Judgement,
    pub actuator: Running,
    /// Shown every part once it is judged.
    pub watchers: Vec<Watcher>,
    pub listeners: Vec<Listener>,
    pub metrics: Arc<Metrics>,
    pub manager: ServiceManager,
}

/// What may be asked of a running station.
pub enum Request {
    Stop,
    Change(Box<Change>),
    /// A person has seen to the faults that wait for one.
    Acknowledge,
}

/// What a request may depend on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// Width and height of the camera's frames, once there was one.
    pub frame: Option<(usize, usize)>,
}

/// What the threads share beside their queues.
#[derive(Default)]
struct Shared {
    stop_capture: AtomicBool,
    stop_inspection: AtomicBool,
    stop_recorder: AtomicBool,
    /// A frame could be inspected.
    ready: AtomicBool,
    /// The recorder cannot write.
    failing: AtomicBool,
    /// When the camera last gave a frame.
    heard_ns: AtomicU64,
    /// Its width and height, 32 bits each; 0 before the first.
    frame: AtomicU64,
}

impl Shared {
    fn stop(&self) {
        [&self.stop_capture, &self.stop_inspection, &self.stop_recorder]
            .iter()
            .for_each(|stop| stop.store(true, Relaxed));
    }
}

/// Threads that nobody is there to stop any more end by themselves.
struct StopOnDrop<'a>(&'a Shared);

impl Drop for StopOnDrop<'_> {
    fn drop(&mut self) {
        self.0.stop();
    }
}

#[derive(Default)]
struct Queues {
    jobs: Queue<Job, { JOBS_MAX + 1 }>,
    spare_inspected: Queue<Box<PartFrame>, { FRAMES_MAX + 1 }>,
    spare_recorded: Queue<Box<PartFrame>, { FRAMES_MAX + 1 }>,
    recorded: Queue<Box<PartFrame>, { FRAMES_MAX + 1 }>,
    changes: Queue<Change, { CHANGES_MAX + 1 }>,
    replaced: Queue<Change, { CHANGES_MAX + 1 }>,
}

/// Runs a station until it is asked to stop, its recording ends or something fails for good. `requests` is called
/// every 50 ms.
pub fn run(
    plan: &RuntimePlan,
    equipment: Equipment,
    requests: &mut dyn FnMut(&Status) -> Option<Request>,
) -> Result<(), StationError> {
    let camera = Supervisor::start(equipment.camera, plan.patience)?;
    let recorder = plan.recording.as_ref().map(|recording| Recorder::open(&recording.recorder)).transpose()?;
    let Equipment { judgement, watchers, listeners, metrics, manager, .. } = equipment;
    let Running { handles, tally, actuator } = equipment.actuator;
    let (shared, mut queues) = (Shared::default(), Box::<Queues>::default());
    shared.heard_ns.store(clock::monotonic_ns(), Relaxed);
    show(&metrics, &judgement);
    let (jobs_in, jobs_out) = queues.jobs.split();
    let (inspected_in, inspected_out) = queues.spare_inspected.split();
    let (written_in, written_out) = queues.spare_recorded.split();
    let (recorded_in, recorded_out) = queues.recorded.split();
    let (changes_in, changes_out) = queues.changes.split();
    let (replaced_in, replaced_out) = queues.replaced.split();
    std::thread::scope(|scope| {
        let (shared, metrics, manager) = (&shared, &*metrics, &manager);
        let _stop = StopOnDrop(shared);
        let recorder = recorder.map(|recorder| {
            let (failing, stop) = (&shared.failing, &shared.stop_recorder);
            let links = recorder::Links { queue: recorded_out, spare: written_in, metrics, failing, stop };
            spawn(scope, "recorder", move || recorder.run(links))
        });
        let recorder = recorder.transpose()?;
        let preparation = judgement.preparation.clone();
        let inspection = inspection::Links {
            jobs: jobs_out,
            spare: inspected_in,
            changes: changes_out,
            replaced: replaced_in,
            recording: recording(plan, recorder.as_ref().map(ScopedJoinHandle::thread), recorded_in),
            sender: Sender::new(handles.inspection, FaultSet::of(Fault::Starting)),
            metrics,
            manager,
            stop: &shared.stop_inspection,
            heard_ns: &shared.heard_ns,
            ready: &shared.ready,
        };
        let inspection = InspectionThread::new(judgement, watchers, plan.timing, inspection);
        let inspection = spawn(scope, "inspection", move || inspection.run())?;
        let capture = capture::Links {
            jobs: jobs_in,
            inspection: inspection.thread().clone(),
            spare: [inspected_out, written_out],
            sender: Sender::new(handles.capture, FaultSet::default()),
            events: handles.events,
            listeners,
            metrics,
            stop: &shared.stop_capture,
            heard_ns: &shared.heard_ns,
            ready: &shared.ready,
            frame: &shared.frame,
        };
        let capture = CaptureThread::new(plan, camera, &preparation, capture);
        let capture = spawn(scope, "capture", move || capture.run())?;
        let threads = Threads { capture, inspection, recorder, actuator };
        let sender = Sender::new(handles.station, FaultSet::default());
        let mut supervision = Supervision::new(shared, metrics, manager, sender, (changes_in, replaced_out));
        supervision.run(&threads, &tally, requests);
        manager.stopping();
        let ended = threads.join(shared);
        metrics.take_over(&tally);
        ended
    })
}

/// What is known of the station before its first part.
fn show(metrics: &Metrics, judgement: &Judgement) {
    metrics.set_judge(&judgement.judge);
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

fn spawn<'scope, T: Send + 'scope>(
    scope: &'scope Scope<'scope, '_>,
    name: &'static str,
    work: impl FnOnce() -> T + Send + 'scope,
) -> Result<ScopedJoinHandle<'scope, T>, StationError> {
    let spawned = Builder::new().name(name.into()).spawn_scoped(scope, work);
    spawned.map_err(|source| StationError::Spawn { thread: name, source })
}

struct Threads<'scope> {
    capture: ScopedJoinHandle<'scope, Result<(), CameraError>>,
    inspection: ScopedJoinHandle<'scope, ()>,
    recorder: Option<ScopedJoinHandle<'scope, ()>>,
    actuator: Actuator,
}

impl Threads<'_> {
    fn are_running(&self) -> bool {
        let recorder = self.recorder.as_ref().is_none_or(|recorder| !recorder.is_finished());
        !self.capture.is_finished() && !self.inspection.is_finished() && recorder && self.actuator.is_running()
    }

    /// Puts the outputs into their safe state, then ends the threads in the order in which parts go through them, so
    /// that what is in their queues is worked off.
    fn join(self, shared: &Shared) -> Result<(), StationError> {
        let line = self.actuator.stop();
        shared.stop_capture.store(true, Relaxed);
        let capture = joined("capture", self.capture);
        shared.stop_inspection.store(true, Relaxed);
        let inspection = joined("inspection", self.inspection);
        shared.stop_recorder.store(true, Relaxed);
        let recorder = self.recorder.map_or(Ok(()), |recorder| joined("recorder", recorder));
        inspection.and(recorder)?;
        let report = line?;
        let worst_ms = report.late_ns_worst as f64 * 1e-6;
        log::info!("actuator: {:?}; woken {worst_ms:.3} ms late at the worst", report.counters);
        match capture? {
            Ok(()) => Ok(()),
            Err(CameraError::Ended { frames }) => {
                log::info!("the recording ended after {frames} frames");
                Ok(())
            }
            Err(error) => Err(error.into()),
        }
    }
}

fn joined<T>(name: &'static str, thread: ScopedJoinHandle<T>) -> Result<T, StationError> {
    thread.join().map_err(|_| StationError::Panicked { thread: name })
}

/// What the station's own thread does meanwhile.
struct Supervision<'a> {
    shared: &'a Shared,
    metrics: &'a Metrics,
    manager: &'a ServiceManager,
    sender: Sender,
    changes: Producer<'a, Change>,
    replaced: Consumer<'a, Change>,
    /// What found no room yet, all in one.
    pending: Option<Change>,
}

impl<'a> Supervision<'a> {
    fn new(
        shared: &'a Shared,
        metrics: &'a Metrics,
        manager: &'a ServiceManager,
        sender: Sender,
        (changes, replaced): (Producer<'a, Change>, Consumer<'a, Change>),
    ) -> Self {
        Self { shared, metrics, manager, sender, changes, replaced, pending: None }
    }

    fn run(&mut self, threads: &Threads, tally: &Tally, requests: &mut dyn FnMut(&Status) -> Option<Request>) {
        let mut tick = 0;
        while threads.are_running() {
            // One a tick: however many come, the rest is supervised in between.
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
        // Sums beyond what any line reaches would be too long, and are left out.
        if written.is_ok() {
            self.manager.status(&text);
        }
    }
}
