//! A whole station in this process: a camera that follows a script, a small engine, and a reject line in memory.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crosscheck::camera::supervisor::Patience;
use crosscheck::camera::{CameraError, CapturedFrame, FrameSource, Opener};
use crosscheck::clock::monotonic_ns;
use crosscheck::frame::{OrganisedCloud, RgbdFrame};
use crosscheck::identity::Names;
use crosscheck::inspect::Inspector;
use crosscheck::model::engine_file::Engine;
use crosscheck::plc::{LastPart, last_part};
use crosscheck::prepare::Preparation;
use crosscheck::runtime::books::Books;
use crosscheck::runtime::inspection::Watcher;
use crosscheck::runtime::judge::Judge;
use crosscheck::runtime::judgement::Judgement;
use crosscheck::runtime::metrics::{Count, Metrics};
use crosscheck::runtime::plan::{Announced, RuntimePlan, Timing};
use crosscheck::runtime::watchdog::ServiceManager;
use crosscheck::runtime::{Equipment, FAULT_NAMES, Request, StationError, Status, run};
use crosscheck::score::{Thresholds, Verdict};
use crosscheck::trace::{Ending, Hooks, Trace, TraceOptions};

use super::line::{MemoryLine, Seen};
use super::part;
use super::small_engine::engine;

/// No test takes longer, on whatever machine.
const PATIENCE: Duration = Duration::from_secs(300);

/// What the camera does when it is asked for a frame.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Step {
    Good,
    /// A part that is not there: nothing of it can be judged.
    Bad,
    /// No point at all: not even to be rejected by a score.
    Blind,
    /// Nothing for now.
    Wait,
    /// A frame is lost on its way.
    Lose,
    /// The cable is pulled.
    Break,
    End,
}

/// Says what the camera does, given how many frames it has shown and how many parts are done with: judged, or not
/// to be judged any more.
pub type Script = Arc<Mutex<dyn FnMut(u64, u64) -> Step + Send>>;

pub fn script(steps: impl FnMut(u64, u64) -> Step + Send + 'static) -> Script {
    Arc::new(Mutex::new(steps))
}

/// One frame after another, each once the part before is done with.
pub fn in_step(steps: Vec<Step>) -> Script {
    script(move |shown, done| match steps.get(shown as usize) {
        Some(_) if shown > done => Step::Wait,
        Some(step) => *step,
        None => Step::End,
    })
}

struct Scripted {
    script: Script,
    shown: Arc<AtomicU64>,
    judged: Arc<AtomicU64>,
    metrics: Arc<Metrics>,
    frames: Arc<[RgbdFrame; 3]>,
    lost: u64,
}

impl FrameSource for Scripted {
    fn next(&mut self, into: &mut CapturedFrame, wait: Duration) -> Result<bool, CameraError> {
        let shown = self.shown.load(Relaxed);
        let done = self.judged.load(Relaxed) + self.metrics.sum(&Count::UNSCORED);
        let step = (self.script.lock().unwrap())(shown, done);
        let frame = match step {
            Step::Good => 0,
            Step::Bad => 1,
            Step::Blind => 2,
            Step::Wait => {
                std::thread::sleep(wait.min(Duration::from_millis(1)));
                return Ok(false);
            }
            Step::Lose => {
                self.lost += 1;
                return Ok(false);
            }
            Step::Break => {
                self.shown.fetch_add(1, Relaxed);
                return Err(CameraError::Lost { reason: "unplugged".into() });
            }
            Step::End => return Err(CameraError::Ended { frames: shown }),
        };
        (into.sequence, into.captured_ns) = (shown + self.lost, monotonic_ns());
        into.frame.copy_from(&self.frames[frame]);
        self.shown.fetch_add(1, Relaxed);
        Ok(true)
    }
}

/// Good, bad and blind.
pub fn frames() -> [RgbdFrame; 3] {
    let good = part::frame(1, None);
    let only = |count: usize| {
        let mut left = count;
        let keep = |point: &[f32; 3]| {
            let stays = *point != [0.0; 3] && left > 0;
            left -= usize::from(stays);
            if stays { *point } else { [0.0; 3] }
        };
        let points = good.cloud().points().iter().map(keep).collect();
        let cloud = OrganisedCloud::new(good.width(), good.height(), points).unwrap();
        RgbdFrame::new(good.width(), good.height(), good.rgb().to_vec(), cloud).unwrap()
    };
    [good.clone(), only(40), only(0)]
}

pub fn judgement(threshold: f32) -> Judgement {
    judgement_of(engine(threshold), threshold)
}

pub fn judgement_of(engine: Engine, threshold: f32) -> Judgement {
    let (preparation, engine_sha256) = (engine.metadata.preparation.clone(), engine.content_sha256.clone());
    let thresholds = Thresholds { reject: threshold, review: None };
    Judgement {
        inspector: Inspector::new(engine).unwrap(),
        judge: Judge::new(thresholds, [0.0, 1e6], engine_sha256),
        preparation,
    }
}

/// A station that is about to run.
pub struct Plant {
    pub plan: RuntimePlan,
    pub line: MemoryLine,
    pub metrics: Arc<Metrics>,
    pub manager: ServiceManager,
    pub names: Names,
    pub threshold: f32,
    /// In place of the small engine's own.
    pub preparation: Option<Preparation>,
    /// In place of one of the small engine.
    pub judgement: Option<Judgement>,
    /// Where the parts are traced, if they are.
    pub trace: Option<TraceOptions>,
    /// What collects parts for a lesson, if it is to.
    pub collects: Option<Watcher>,
    /// What a part costs beside its inspection.
    pub burden: Duration,
    /// What became of each part is not kept.
    pub forgets: bool,
    pub shown: Arc<AtomicU64>,
    pub judged: Arc<AtomicU64>,
}

/// What came of it.
pub struct Report {
    pub result: Result<(), StationError>,
    pub seen: Seen,
    pub metrics: Arc<Metrics>,
    /// Every part that was judged, in order.
    pub verdicts: Vec<(u64, Verdict)>,
    /// The recipe under which each of them was announced, and the one by which it was judged.
    pub judged_by: Vec<(u64, u16, u16)>,
}

impl Plant {
    pub fn new(announced: Announced, delay_ms: u64) -> Self {
        let plan = RuntimePlan {
            patience: Patience {
                frame_timeout_ms: 60_000,
                reopens: 2,
                reopen_delay_ms: 5,
                reset_after: 2,
                reset_wait_ms: 50,
            },
            announced,
            frame_offset_ns: 0,
            frame_window_ns: 2_000_000,
            recording: None,
            timing: Timing { deadline_ns: Some((delay_ms - 20) * 1_000_000), frame_timeout_ns: 60_000_000_000 },
            passage_ns_max: (delay_ms + 1) * 1_000_000,
        };
        Self {
            plan,
            line: MemoryLine::start(delay_ms),
            metrics: Arc::new(Metrics::new(&FAULT_NAMES)),
            manager: ServiceManager::none(),
            names: Names::new(jiff::Timestamp::now()),
            threshold: 1e6,
            preparation: None,
            judgement: None,
            trace: None,
            collects: None,
            burden: Duration::ZERO,
            forgets: false,
            shown: Arc::new(AtomicU64::new(0)),
            judged: Arc::new(AtomicU64::new(0)),
        }
    }

    pub fn camera(&self, script: &Script) -> Opener {
        let (script, shown, judged) = (script.clone(), self.shown.clone(), self.judged.clone());
        let (metrics, frames) = (self.metrics.clone(), Arc::new(frames()));
        Opener::new(move || {
            let (script, shown, judged) = (script.clone(), shown.clone(), judged.clone());
            let (metrics, frames) = (metrics.clone(), frames.clone());
            Ok(Box::new(Scripted { script, shown, judged, metrics, frames, lost: 0 }))
        })
    }

    /// Runs until the script ends.
    pub fn run(self, script: Script) -> Report {
        self.run_with(script, |_| None)
    }

    pub fn run_with(self, script: Script, requests: impl FnMut(&Status) -> Option<Request>) -> Report {
        let camera = self.camera(&script);
        self.run_camera(camera, requests)
    }

    pub fn run_camera(self, camera: Opener, mut requests: impl FnMut(&Status) -> Option<Request>) -> Report {
        let verdicts = Arc::new(Mutex::new(Vec::with_capacity(1 << 16)));
        let judged_by = Arc::new(Mutex::new(Vec::with_capacity(1 << 16)));
        let (log, by, judged, burden) = (verdicts.clone(), judged_by.clone(), self.judged.clone(), self.burden);
        let (listener, seen) = (self.line.listener(self.forgets), self.line.seen.clone());
        let (mut last, _) = last_part();
        let mut engine = engine(self.threshold);
        engine.metadata.preparation = self.preparation.unwrap_or(engine.metadata.preparation);
        let trace = self.trace.map(|options| Trace::start(&options, self.metrics.clone()).unwrap());
        let (trace, hooks) = trace.unzip();
        let mut watchers: Vec<Watcher> = vec![Box::new(move |part_frame| {
            log.lock().unwrap().push((part_frame.part, part_frame.inspection.outcome.verdict().unwrap()));
            let judge = part_frame.judge.as_ref().map_or(0, |judge| judge.recipe);
            by.lock().unwrap().push((part_frame.part, part_frame.recipe, judge));
            last.publish(LastPart::of(part_frame));
            std::thread::sleep(burden);
            judged.fetch_add(1, Relaxed);
        })];
        watchers.extend(self.collects);
        let mut listeners = vec![listener];
        let books = hooks.map_or_else(Books::default, |Hooks { listener, watcher, books }| {
            listeners.push(listener);
            watchers.push(watcher);
            books
        });
        let equipment = Equipment {
            camera,
            judgement: self.judgement.unwrap_or_else(|| judgement_of(engine, self.threshold)),
            actuator: self.line.running,
            names: self.names,
            watchers,
            listeners,
            books,
            metrics: self.metrics.clone(),
            manager: self.manager,
        };
        let start = Instant::now();
        let result = run(&self.plan, equipment, &mut |status| {
            assert!(start.elapsed() < PATIENCE, "the station hangs");
            requests(status)
        });
        if let Some(trace) = trace {
            trace.end(if result.is_ok() { Ending::Clean } else { Ending::Failed });
        }
        let seen = std::mem::take(&mut *seen.lock().unwrap());
        let verdicts = std::mem::take(&mut *verdicts.lock().unwrap());
        let judged_by = std::mem::take(&mut *judged_by.lock().unwrap());
        Report { result, seen, metrics: self.metrics, verdicts, judged_by }
    }
}
