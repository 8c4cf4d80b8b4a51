//! The inspection thread: from a part's frame to its verdict, and at once to the line.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::thread::Thread;
use std::time::Duration;

use heapless::spsc::{Consumer, Producer};

use super::change::Change;
use super::judge::Judge;
use super::judgement::Judgement;
use super::line::Line;
use super::matching::Shot;
use super::metrics::{Count, Latency, Metrics};
use super::settings::Timing;
use super::watchdog::ServiceManager;
use crate::clock;
use crate::inspect::{InspectError, Inspector, Unscored};
use crate::reject::fault::Fault;
use crate::score::Verdict;

/// One bad frame rejects its part; so many in a row are a fault: of the depth where frames have no point, else of the engine.
pub const ERRORS_IN_A_ROW: u32 = 3;
/// How long the thread sleeps when nothing wakes it.
const IDLE: Duration = Duration::from_millis(10);

/// Without parts a sign of life is given so often.
const IDLE_SIGN_NS: u64 = 100_000_000;

/// What a part is shown to once it is judged: the live page, other programs. It must not wait.
pub type Watcher = Box<dyn FnMut(&Shot) + Send>;

/// Work for the inspection.
pub enum Job {
    /// A frame that shows no particular part, to see that frames can be inspected at all.
    Trial(Box<Shot>),
    Part(Box<Shot>),
}

/// Parts that are recorded.
pub struct Recording<'a> {
    pub queue: Producer<'a, Box<Shot>>,
    /// Fewer than the queue holds, where so configured.
    pub waiting_max: usize,
    /// Share of passed parts that are kept, 0 to 1.
    pub pass_share: f64,
    pub thread: Thread,
}

/// How the inspection is joined to the rest of the station.
pub struct Joints<'a> {
    pub jobs: Consumer<'a, Job>,
    /// Frames that are done with.
    pub spare: Producer<'a, Box<Shot>>,
    pub changes: Consumer<'a, Change>,
    /// What a change has replaced; whoever sent it takes it away.
    pub replaced: Producer<'a, Change>,
    pub recording: Option<Recording<'a>>,
    pub line: Line,
    pub metrics: &'a Metrics,
    pub manager: &'a ServiceManager,
    /// No more jobs come once this is set.
    pub stop: &'a AtomicBool,
    /// When the camera last gave a frame.
    pub heard_ns: &'a AtomicU64,
    /// To set once a frame could be inspected.
    pub ready: &'a AtomicBool,
}

/// The thread and what it works with.
pub struct InspectionThread<'a> {
    inspector: Box<Inspector>,
    judge: Arc<Judge>,
    watchers: Vec<Watcher>,
    timing: Timing,
    joints: Joints<'a>,
    errors: u32,
    /// Frames in a row without a point.
    empty: u32,
    /// When the last sign of life was given.
    alive_ns: u64,
    /// Shares of passed parts that add up to the next one recorded.
    owed: f64,
}

impl<'a> InspectionThread<'a> {
    pub fn new(judgement: Judgement, watchers: Vec<Watcher>, timing: Timing, joints: Joints<'a>) -> Self {
        let Judgement { inspector, judge, .. } = judgement;
        let (inspector, judge) = (Box::new(inspector), Arc::new(judge));
        Self { inspector, judge, watchers, timing, joints, errors: 0, empty: 0, alive_ns: 0, owed: 0.0 }
    }

    /// Inspects until no more jobs come.
    pub fn run(mut self) {
        loop {
            self.change();
            match self.joints.jobs.dequeue() {
                Some(Job::Trial(shot)) => self.trial(shot),
                Some(Job::Part(shot)) => self.part(shot),
                None if self.joints.stop.load(Relaxed) => return,
                None => {
                    self.idle();
                    std::thread::park_timeout(IDLE);
                }
            }
        }
    }

    /// The first frames: parts are judged once one of them could be inspected.
    fn trial(&mut self, mut shot: Box<Shot>) {
        match self.inspector.inspect_into(&shot.captured.frame, shot.at, &mut shot.inspection) {
            Ok(()) if self.has_depth(&shot) => self.is_ready(),
            Ok(()) => {}
            Err(error) => self.failed(&error),
        }
        self.give_back(shot);
    }

    fn is_ready(&mut self) {
        self.joints.line.clear(Fault::EngineError);
        self.errors = 0;
        if !self.joints.ready.swap(true, Relaxed) {
            self.joints.line.clear(Fault::Starting);
            self.joints.manager.ready();
        }
        self.alive();
    }

    fn part(&mut self, mut shot: Box<Shot>) {
        let metrics = self.joints.metrics;
        let taken_ns = clock::monotonic_ns();
        metrics.time(Latency::Queue, since(shot.captured.captured_ns, taken_ns));
        // Its reject is certain by now: the next part is worth more.
        if self.timing.decide_within_ns.is_some_and(|within| taken_ns > shot.triggered_ns + within) {
            metrics.count(Count::UnscoredDropped);
            return self.give_back(shot);
        }
        if let Err(error) = self.inspector.inspect_into(&shot.captured.frame, shot.at, &mut shot.inspection) {
            metrics.count(Count::UnscoredEngine);
            self.failed(&error);
            return self.give_back(shot);
        }
        if shot.inspection.verdict == Some(Verdict::Pass) {
            self.joints.line.accept(shot.part);
        }
        shot.judged_ns = clock::monotonic_ns();
        if self.has_depth(&shot) {
            self.is_ready();
        } else {
            self.alive();
        }
        self.measure(&shot);
        shot.judge = Some(self.judge.clone());
        self.watchers.iter_mut().for_each(|watcher| watcher(&shot));
        self.record(shot);
    }

    /// Whether a frame has points at all; so many in a row without any are a fault of the depth stream.
    fn has_depth(&mut self, shot: &Shot) -> bool {
        let has_depth = shot.inspection.reason != Some(Unscored::NoPoints);
        self.empty = if has_depth { 0 } else { self.empty + 1 };
        if has_depth {
            self.joints.line.clear(Fault::DepthLost);
        } else if self.empty == ERRORS_IN_A_ROW {
            log::error!(
                "{ERRORS_IN_A_ROW} frames in a row have no point where the part may be: check the depth stream, and scene.crop"
            );
            self.joints.line.raise(Fault::DepthLost);
        }
        has_depth
    }

    fn measure(&self, shot: &Shot) {
        let (metrics, inspection) = (self.joints.metrics, &shot.inspection);
        let verdict = inspection.verdict.unwrap_or(Verdict::Reject);
        let score = inspection.scores.map(|scores| scores.score);
        metrics.verdict(shot.part, score, self.judge.thresholds.reject, verdict);
        if inspection.doubt.is_some() {
            metrics.count(Count::PartsDoubtful);
        }
        let times = &inspection.times;
        metrics.time(Latency::Prepare, times.prepare);
        metrics.time(Latency::CaptureToVerdict, since(shot.captured.captured_ns, shot.judged_ns));
        if inspection.scores.is_some() {
            metrics.time(Latency::RgbTokens, times.rgb_tokens);
            metrics.time(Latency::XyzGroups, times.xyz_groups);
            metrics.time(Latency::AnomalyMap, times.anomaly_map);
        }
    }

    /// Hands the part to the recorder, if it is to be recorded and the recorder keeps up.
    fn record(&mut self, shot: Box<Shot>) {
        let passed = shot.inspection.verdict == Some(Verdict::Pass);
        let Some(recording) = &mut self.joints.recording else { return self.give_back(shot) };
        if passed {
            self.owed += recording.pass_share;
            if self.owed < 1.0 {
                return self.give_back(shot);
            }
            self.owed -= 1.0;
        }
        let refused = if recording.queue.len() < recording.waiting_max {
            recording.queue.enqueue(shot).err()
        } else {
            Some(shot)
        };
        match refused {
            None => recording.thread.unpark(),
            Some(shot) => {
                self.joints.metrics.count(Count::RecordingsDropped);
                self.give_back(shot);
            }
        }
    }

    fn failed(&mut self, error: &InspectError) {
        self.errors += 1;
        if self.errors == ERRORS_IN_A_ROW {
            log::error!("{ERRORS_IN_A_ROW} frames in a row could not be inspected: {error}");
            self.joints.line.raise(Fault::EngineError);
        }
    }

    /// Nothing waits: alive as long as the camera is.
    fn idle(&mut self) {
        let now_ns = clock::monotonic_ns();
        let silent_ns = now_ns.saturating_sub(self.joints.heard_ns.load(Relaxed));
        let due = now_ns.saturating_sub(self.alive_ns) > IDLE_SIGN_NS;
        if due && self.joints.ready.load(Relaxed) && silent_ns < self.timing.frame_timeout_ns {
            self.alive();
        }
    }

    fn alive(&mut self) {
        self.alive_ns = clock::monotonic_ns();
        self.joints.manager.alive();
        self.joints.metrics.progress();
    }

    fn give_back(&mut self, shot: Box<Shot>) {
        let refused = self.joints.spare.enqueue(shot);
        assert!(refused.is_ok(), "the queue holds every frame that there is");
    }

    /// Takes up what was changed since the last part.
    fn change(&mut self) {
        while self.joints.replaced.ready() {
            let Some(change) = self.joints.changes.dequeue() else { return };
            let metrics = self.joints.metrics;
            let mut replaced = Change::default();
            if let Some(inspector) = change.inspector {
                replaced.inspector = Some(std::mem::replace(&mut self.inspector, inspector));
            }
            if let Some(judge) = change.judge {
                self.inspector.set_thresholds(judge.thresholds);
                metrics.set_judge(&judge);
                replaced.judge = Some(std::mem::replace(&mut self.judge, judge));
            }
            if let Some(regions) = change.regions {
                replaced.regions = Some(self.inspector.replace_regions(regions));
            }
            metrics.add(Count::Reloads, u64::from(change.is_reload));
            metrics.add(Count::Loosened, u64::from(change.loosens));
            let refused = self.joints.replaced.enqueue(replaced);
            assert!(refused.is_ok(), "there was room before");
        }
    }
}

fn since(from_ns: u64, to_ns: u64) -> Duration {
    Duration::from_nanos(to_ns.saturating_sub(from_ns))
}
