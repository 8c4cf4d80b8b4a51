//! A whole station on a simulated production line, over a long run: from a frame's capture to the edge at the reject
//! output.

use std::collections::VecDeque;
use std::fmt::Write;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde::Serialize;
use thiserror::Error;

use crate::backend::cpu::team::all_cores;
use crate::camera::{CameraError, CapturedFrame, FrameSource, Opener};
use crate::clock::monotonic_ns;
use crate::config::{ConfigError, Station, ns_from_ms};
use crate::frame::RgbdFrame;
use crate::identity::Names;
use crate::locked::locked;
use crate::plan::Plan;
use crate::reject::actuator;
use crate::reject::part::{Event, Outputs};
use crate::reject::{NoEdges, RejectError, Sink};
use crate::runtime::books::Books;
use crate::runtime::judgement::{Judgement, JudgementError};
use crate::runtime::metrics::{Count, Metrics};
use crate::runtime::watchdog::ServiceManager;
use crate::runtime::{self, Equipment, FAULT_NAMES, Request, StationError};

/// Share of the rate that the engine can sustain, if no rate is given.
const LOAD: f64 = 0.5;
/// Number of frames from which the time of one is taken.
const WARM_FRAMES: usize = 5;
/// The delay from the camera to the ejector: this many times the time of a frame, plus [`DELAY_MS_MIN`].
const DELAY_FRAMES: f64 = 4.0;
const DELAY_MS_MIN: f64 = 50.0;

#[derive(Debug, Error)]
pub enum LineError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Judgement(#[from] JudgementError),
    #[error(transparent)]
    Inspect(#[from] crate::inspect::InspectError),
    #[error(transparent)]
    Reject(#[from] RejectError),
    #[error(transparent)]
    Station(#[from] StationError),
    #[error("cannot reach the service manager: {0}")]
    Manager(std::io::Error),
}

/// The report of `crosscheck bench --line`.
#[derive(Debug, Serialize)]
pub struct LineReport {
    pub hardware: String,
    pub parts: u64,
    pub frames_per_second: f64,
    /// The configured time from capture to the ejector.
    pub delay_ms: f64,
    /// Parts that had no verdict before their deadline.
    pub without_verdict: u64,
    pub late: u64,
    pub latencies: Vec<Row>,
}

#[derive(Debug, Serialize)]
pub struct Row {
    pub name: &'static str,
    pub count: usize,
    pub p50_ms: f64,
    pub p95_ms: f64,
    pub p99_ms: f64,
    pub p999_ms: f64,
    pub max_ms: f64,
}

/// Runs a station with this engine on `frame`, again and again, for `time`. Every part is rejected, so that every one
/// has its edge. If `frames_per_second` is left out, it is half of what the engine can sustain.
pub fn run(
    engine: &Path,
    frame: &RgbdFrame,
    time: Duration,
    frames_per_second: Option<f64>,
) -> Result<LineReport, LineError> {
    let frame_s = frame_time(engine, frame)?.as_secs_f64();
    let rate = frames_per_second.unwrap_or(LOAD / frame_s);
    // The configuration takes whole milliseconds.
    let delay_ms = (DELAY_MS_MIN + 1e3 * frame_s * DELAY_FRAMES).ceil();
    let station = station(engine, delay_ms)?;
    let plan = Plan::from(&station);
    let actuator = actuator::start(plan.reject, plan.actuator, Box::new(Nowhere), Box::new(NoEdges))?;
    let metrics = Arc::new(Metrics::new(&FAULT_NAMES));
    let times = Arc::new(Mutex::new(Times::default()));
    let (judged, followed) = (times.clone(), times.clone());
    let (delay_ns, pulse_ns) = (ns_from_ms(delay_ms), ns_from_ms(station.reject.pulse_ms));
    let (frame, interval_ns) = (frame.clone(), (1e9 / rate) as u64);
    let equipment = Equipment {
        camera: Opener::new(move || Ok(Box::new(Repeated::new(frame.clone(), interval_ns)))),
        judgement: Judgement::from_station(&station)?,
        actuator,
        names: Names::new(Timestamp::now()),
        watchers: vec![Box::new(move |shot| {
            locked(&judged).to_verdict.push(shot.judged_ns.saturating_sub(shot.captured.captured_ns));
        })],
        listeners: vec![Box::new(move |event, _| locked(&followed).follow(event, delay_ns, pulse_ns))],
        books: Books::default(),
        metrics: metrics.clone(),
        manager: ServiceManager::from_environment().map_err(LineError::Manager)?,
    };
    let start = Instant::now();
    let stop = &mut |_: &runtime::Status| (start.elapsed() > time).then_some(Request::Stop);
    runtime::run(&plan.runtime, equipment, stop)?;
    Ok(LineReport {
        hardware: hardware(),
        parts: metrics.total(Count::Parts),
        frames_per_second: rate,
        delay_ms,
        without_verdict: metrics.sum(&Count::UNSCORED),
        late: metrics.total(Count::LateVerdicts),
        latencies: locked(&times).rows(),
    })
}

/// The median time of a few frames.
fn frame_time(engine: &Path, frame: &RgbdFrame) -> Result<Duration, LineError> {
    let mut inspector = Judgement::from_engine_file(engine, None)?.inspector;
    let mut times = Vec::with_capacity(WARM_FRAMES);
    for _ in 0..WARM_FRAMES {
        times.push(inspector.inspect(frame)?.times.total());
    }
    times.sort();
    Ok(times[WARM_FRAMES / 2])
}

fn station(engine: &Path, delay_ms: f64) -> Result<Station, LineError> {
    let text = format!(
        "[engine]\npath = {:?}\nthreshold = 0.0\n[camera]\nsource = \"synthetic\"\n[trigger]\nsource = \"frame\"\n\
         [reject]\ndelay_ms = {delay_ms:.1}\ndecision_lead_ms = 5.0\npulse_ms = 10.0\ngap_ms = 0.0\n\
         [actuator]\nsink = \"log\"\n",
        engine.display().to_string()
    );
    Ok(Station::parse(&text, "".as_ref())?)
}

/// Measured times, nanoseconds.
#[derive(Default)]
struct Times {
    /// Times at which the parts without an edge so far were announced; a part is announced when its frame is captured.
    announced: VecDeque<u64>,
    to_verdict: Vec<u64>,
    to_edge: Vec<u64>,
    /// How late each edge came after the time for which it was scheduled.
    late: Vec<u64>,
}

impl Times {
    fn follow(&mut self, event: &Event, delay_ns: u64, pulse_ns: u64) {
        match *event {
            Event::Triggered { at, .. } => self.announced.push_back(at),
            Event::Reject { active: true, at, .. } => {
                // A part whose time is over had no edge of its own, as the output was already at reject.
                while self.announced.pop_front_if(|announced| *announced + delay_ns + pulse_ns < at).is_some() {}
                if let Some(announced) = self.announced.pop_front_if(|announced| *announced + delay_ns <= at) {
                    self.to_edge.push(at - announced);
                    self.late.push(at - announced - delay_ns);
                }
            }
            _ => {}
        }
    }

    fn rows(&mut self) -> Vec<Row> {
        let all = [
            ("capture to verdict", &mut self.to_verdict),
            ("capture to edge", &mut self.to_edge),
            ("edge after its time", &mut self.late),
        ];
        all.into_iter().map(|(name, times)| row(name, times)).collect()
    }
}

fn row(name: &'static str, times: &mut [u64]) -> Row {
    times.sort_unstable();
    let ms = |share: f64| {
        let rank = (times.len() as f64 * share).ceil() as usize;
        times.get(rank.max(1) - 1).map_or(f64::NAN, |ns| *ns as f64 / 1e6)
    };
    let count = times.len();
    Row { name, count, p50_ms: ms(0.5), p95_ms: ms(0.95), p99_ms: ms(0.99), p999_ms: ms(0.999), max_ms: ms(1.0) }
}

/// Describes board or processor, threads and kernel.
fn hardware() -> String {
    let read = |path: &str| std::fs::read_to_string(path).ok();
    let board = read("/proc/device-tree/model").map(|text| text.trim_end_matches('\0').to_string());
    let processor = read("/proc/cpuinfo").and_then(|text| {
        let line = text.lines().find(|line| line.starts_with("model name"))?;
        line.split(": ").nth(1).map(str::to_string)
    });
    let mut text = board.or(processor).unwrap_or_else(|| std::env::consts::ARCH.into());
    let kernel = read("/proc/sys/kernel/osrelease").unwrap_or_default();
    let real_time = if read("/sys/kernel/realtime").is_some() { ", PREEMPT_RT" } else { "" };
    let threads = all_cores();
    // Writing to a string cannot fail.
    let _ = write!(text, ", {threads} threads, Linux {}{real_time}", kernel.trim());
    text
}

/// Outputs that are connected to nothing.
struct Nowhere;

impl Sink for Nowhere {
    fn drive(&mut self, _: Outputs) -> Result<(), RejectError> {
        Ok(())
    }

    fn heartbeat(&mut self, _: bool) -> Result<(), RejectError> {
        Ok(())
    }

    fn make_safe(&mut self) {}
}

/// A camera that returns the same frame each time. A frame counts as captured when it was due, so that a station that
/// is behind does not make its own times look better.
struct Repeated {
    frame: RgbdFrame,
    interval_ns: u64,
    due_ns: u64,
    sequence: u64,
}

impl Repeated {
    fn new(frame: RgbdFrame, interval_ns: u64) -> Self {
        Self { frame, interval_ns, due_ns: monotonic_ns(), sequence: 0 }
    }
}

impl FrameSource for Repeated {
    fn next(&mut self, into: &mut CapturedFrame, wait: Duration) -> Result<bool, CameraError> {
        let until_due = Duration::from_nanos(self.due_ns.saturating_sub(monotonic_ns()));
        std::thread::sleep(until_due.min(wait));
        if until_due > wait {
            return Ok(false);
        }
        into.frame.copy_from(&self.frame);
        (into.sequence, into.captured_ns) = (self.sequence, self.due_ns);
        (self.sequence, self.due_ns) = (self.sequence + 1, self.due_ns + self.interval_ns);
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reject::part::PartId;

    #[test]
    fn an_edge_belongs_to_the_part_whose_time_it_is() {
        let mut times = Times::default();
        let mut follow = |event| times.follow(&event, 100, 10);
        for (number, at) in [0, 50, 80].into_iter().enumerate() {
            follow(Event::Triggered { part: PartId(number as u64), at, count: 0, recipe: 0 });
        }
        // The first part's time was over before the output moved.
        for at in [153, 185] {
            follow(Event::Reject { active: true, at, late_ns: 0 });
            follow(Event::Reject { active: false, at: at + 10, late_ns: 0 });
        }
        assert_eq!((times.to_edge, times.late), (vec![103, 105], vec![3, 5]));
    }

    #[test]
    fn quantiles_are_exact() {
        let mut times: Vec<u64> = (1..=1000).rev().map(|ms| ms * 1_000_000).collect();
        let row = row("times", &mut times);
        let found = [row.p50_ms, row.p95_ms, row.p99_ms, row.p999_ms, row.max_ms];
        assert_eq!(found, [500.0, 950.0, 990.0, 999.0, 1000.0]);
        assert!(super::row("none", &mut []).max_ms.is_nan());
    }
}
