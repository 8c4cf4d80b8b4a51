//! The inspection thread: it judges a part by its frame, and tells the actuator at once.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::thread::Thread;

use heapless::spsc::Producer;

use super::books::{Unjudged, UnjudgedParts};
use super::change::Change;
use super::intake::{IDLE, Job, Source, Work};
use super::judge::Judge;
use super::metrics::{Count, Latency, Metrics};
use super::part_frame::PartFrame;
use super::plan::Timing;
use super::shared::Shared;
use super::watchdog::ServiceManager;
use crate::clock;
use crate::inspect::{InspectError, ScoringStage, Unscored};
use crate::reject::fault::Fault;
use crate::reject::sender::Sender;

/// A frame that cannot be inspected rejects its part. This many in a row are a fault: of the depth stream where the
/// frames have no point, of the engine otherwise.
pub const ERRORS_IN_A_ROW: u32 = 3;
/// How often a sign of life is given while there are no parts.
const IDLE_SIGN_NS: u64 = 100_000_000;

/// Called with every part once it is judged: the live page, other programs. It must not wait.
pub type Watcher = Box<dyn FnMut(&PartFrame) + Send>;

/// Where parts go that are recorded.
pub struct Recording<'a> {
    pub queue: Producer<'a, Box<PartFrame>>,
    /// Parts that may wait in it: at most as many as it holds.
    pub waiting_max: usize,
    /// Share of passed parts that are kept, 0 to 1.
    pub pass_share: f64,
    pub thread: Thread,
}

/// The inspection thread's connections to the rest of the station.
pub struct Links<'a> {
    pub source: Source<'a>,
    /// Where frames go that are no longer needed.
    pub spare: Producer<'a, Box<PartFrame>>,
    /// What a change has replaced, for the sender of the change to drop.
    pub replaced: Producer<'a, Change>,
    pub recording: Option<Recording<'a>>,
    pub sender: Sender,
    pub unjudged: UnjudgedParts<'a>,
    pub metrics: &'a Metrics,
    pub manager: &'a ServiceManager,
    pub shared: &'a Shared,
}

/// The inspection thread with its state.
pub struct InspectionThread<'a> {
    scoring: ScoringStage,
    judge: Arc<Judge>,
    watchers: Vec<Watcher>,
    timing: Timing,
    links: Links<'a>,
    errors: u32,
    /// Frames in a row without a point.
    empty: u32,
    /// When the last sign of life was given.
    alive_ns: u64,
    /// Sum of the shares of passed parts since the last one was recorded: at 1 the next is recorded.
    owed: f64,
}

impl<'a> InspectionThread<'a> {
    pub fn new(scoring: ScoringStage, judge: Judge, watchers: Vec<Watcher>, timing: Timing, links: Links<'a>) -> Self {
        let judge = Arc::new(judge);
        Self { scoring, judge, watchers, timing, links, errors: 0, empty: 0, alive_ns: 0, owed: 0.0 }
    }

    /// Inspects until no more jobs come.
    pub fn run(mut self) {
        if self.judge.is_untaught() {
            self.links.sender.raise(Fault::Untaught);
        }
        loop {
            match self.links.source.next() {
                Some(Work::Change(change)) => self.change(change),
                Some(Work::Frame { job: Job::Trial(part_frame), prepared }) => self.trial(part_frame, prepared),
                Some(Work::Frame { job: Job::Part(part_frame), prepared }) => self.part(part_frame, prepared),
                Some(Work::Late(part_frame)) => self.late(part_frame),
                None if self.links.shared.stop_inspection.load(Relaxed) => return,
                None => {
                    self.idle();
                    std::thread::park_timeout(IDLE);
                }
            }
        }
    }

    /// Inspects one of the first frames. Parts are judged once one of these could be inspected.
    fn trial(&mut self, mut part_frame: Box<PartFrame>, prepared: Result<(), InspectError>) {
        match prepared.and_then(|()| self.score(&mut part_frame)) {
            Ok(()) if self.has_depth(&part_frame) => self.is_ready(),
            Ok(()) => {}
            Err(error) => self.failed(&error),
        }
        self.give_back(part_frame);
    }

    fn is_ready(&mut self) {
        self.links.sender.clear(Fault::EngineError);
        self.errors = 0;
        if !self.links.shared.ready.swap(true, Relaxed) {
            self.links.sender.clear(Fault::Starting);
            self.links.manager.ready();
        }
        self.alive();
    }

    fn score(&mut self, part_frame: &mut PartFrame) -> Result<(), InspectError> {
        let frame = &part_frame.captured.frame;
        self.scoring.run((frame.width(), frame.height()), &mut part_frame.inspection)
    }

    fn late(&mut self, part_frame: Box<PartFrame>) {
        self.links.unjudged.note(part_frame.part, Unjudged::Dropped);
        self.give_back(part_frame);
    }

    fn part(&mut self, mut part_frame: Box<PartFrame>, prepared: Result<(), InspectError>) {
        if part_frame.recipe != self.judge.recipe {
            self.links.unjudged.note(part_frame.part, Unjudged::Recipe);
            return self.give_back(part_frame);
        }
        // It may have waited since it was prepared.
        if self.timing.is_late(part_frame.triggered_ns, clock::monotonic_ns()) {
            return self.late(part_frame);
        }
        if let Err(error) = prepared.and_then(|()| self.score(&mut part_frame)) {
            self.links.unjudged.note(part_frame.part, Unjudged::Engine);
            self.failed(&error);
            return self.give_back(part_frame);
        }
        if part_frame.inspection.outcome.passes() {
            self.links.sender.accept(part_frame.part, self.judge.recipe);
        }
        part_frame.judged_ns = clock::monotonic_ns();
        if self.has_depth(&part_frame) {
            self.is_ready();
        } else {
            self.alive();
        }
        self.measure(&part_frame);
        part_frame.judge = Some(self.judge.clone());
        for watcher in &mut self.watchers {
            watcher(&part_frame);
        }
        self.record(part_frame);
    }

    /// Whether a frame has points at all. Several frames in a row without any are a fault of the depth stream.
    fn has_depth(&mut self, part_frame: &PartFrame) -> bool {
        let has_depth = part_frame.inspection.outcome.reason() != Some(Unscored::NoPoints);
        self.empty = if has_depth { 0 } else { self.empty + 1 };
        if has_depth {
            self.links.sender.clear(Fault::DepthLost);
        } else if self.empty == ERRORS_IN_A_ROW {
            log::error!(
                "{ERRORS_IN_A_ROW} frames in a row have no point where the part may be: check the depth stream, and scene.crop"
            );
            self.links.sender.raise(Fault::DepthLost);
        }
        has_depth
    }

    fn measure(&self, part_frame: &PartFrame) {
        let metrics = self.links.metrics;
        let inspection = &part_frame.inspection;
        let outcome = &inspection.outcome;
        let threshold = self.judge.thresholds.reject;
        metrics.verdict(part_frame.part, outcome.score(), threshold, outcome.station_verdict());
        if inspection.doubt.is_some() {
            metrics.count(Count::PartsDoubtful);
        }
        if let Some(worst) = inspection.defects.worst().first() {
            metrics.count(worst.kind.into());
        }
        let times = &inspection.times;
        metrics.time(Latency::Prepare, times.prepare);
        metrics.time(Latency::CaptureToVerdict, clock::between(part_frame.captured.captured_ns, part_frame.judged_ns));
        if outcome.scores().is_some() {
            metrics.time(Latency::RgbTokens, times.rgb_tokens);
            metrics.time(Latency::XyzGroups, times.xyz_groups);
            metrics.time(Latency::AnomalyMap, times.anomaly_map);
        }
    }

    /// Hands the part to the recorder, if it is to be recorded and the recorder keeps up.
    fn record(&mut self, part_frame: Box<PartFrame>) {
        let passed = part_frame.inspection.outcome.passes();
        let Some(recording) = &mut self.links.recording else { return self.give_back(part_frame) };
        if passed {
            self.owed += recording.pass_share;
            if self.owed < 1.0 {
                return self.give_back(part_frame);
            }
            self.owed -= 1.0;
        }
        let refused = if recording.queue.len() < recording.waiting_max {
            recording.queue.enqueue(part_frame).err()
        } else {
            Some(part_frame)
        };
        match refused {
            None => recording.thread.unpark(),
            Some(part_frame) => {
                self.links.metrics.count(Count::RecordingsDropped);
                self.give_back(part_frame);
            }
        }
    }

    fn failed(&mut self, error: &InspectError) {
        self.errors += 1;
        if self.errors == ERRORS_IN_A_ROW {
            log::error!("{ERRORS_IN_A_ROW} frames in a row could not be inspected: {error}");
            self.links.sender.raise(Fault::EngineError);
        }
    }

    /// Gives a sign of life while no part waits, as long as the camera gives frames or is waited for.
    fn idle(&mut self) {
        let now_ns = clock::monotonic_ns();
        let shared = self.links.shared;
        let silent_ns = now_ns.saturating_sub(shared.heard_ns.load(Relaxed));
        let due = now_ns.saturating_sub(self.alive_ns) > IDLE_SIGN_NS;
        if !due || silent_ns >= self.timing.frame_timeout_ns {
            return;
        }
        match (shared.ready.load(Relaxed), shared.camera_awaited.load(Relaxed)) {
            (true, _) => self.alive(),
            // Not ready without a frame, and not hung either.
            (false, true) => {
                self.links.manager.still_starting();
                self.alive();
            }
            (false, false) => {}
        }
    }

    fn alive(&mut self) {
        self.alive_ns = clock::monotonic_ns();
        self.links.manager.alive();
        self.links.metrics.progress();
    }

    fn give_back(&mut self, part_frame: Box<PartFrame>) {
        let refused = self.links.spare.enqueue(part_frame);
        assert!(refused.is_ok(), "the queue holds every frame that there is");
    }

    /// Applies a change between two frames.
    fn change(&mut self, change: Change) {
        let metrics = self.links.metrics;
        let mut replaced = Change::default();
        if let Some(timing) = change.timing {
            self.timing = timing;
            self.links.shared.flushes_inspected.fetch_add(1, Relaxed);
        }
        if let Some(mut inspector) = change.inspector {
            std::mem::swap(&mut self.scoring, &mut inspector.scoring);
            replaced.inspector = Some(inspector);
        }
        if let Some(judge) = change.judge {
            self.scoring.set_thresholds(judge.thresholds);
            metrics.set_judge(&judge);
            if !judge.is_untaught() {
                self.links.sender.clear(Fault::Untaught);
            }
            replaced.judge = Some(std::mem::replace(&mut self.judge, judge));
        }
        if let Some(regions) = change.regions {
            replaced.regions = Some(self.scoring.replace_regions(regions));
        }
        metrics.add(Count::Reloads, u64::from(change.is_reload));
        metrics.add(Count::Loosened, u64::from(change.loosens));
        let refused = self.links.replaced.enqueue(replaced);
        assert!(refused.is_ok(), "the queue holds every change that can be under way");
    }
}
