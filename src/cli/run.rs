use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Args;
use crosscheck::config::Station;
use crosscheck::mqtt::{Event, Publisher};
use crosscheck::plan::Plan;
use crosscheck::reject;
use crosscheck::runtime::camera::opener;
use crosscheck::runtime::change::Change;
use crosscheck::runtime::drift::{Usual, Watch};
use crosscheck::runtime::inspection::Watcher;
use crosscheck::runtime::judge::{Judge, ThresholdRefusal};
use crosscheck::runtime::judgement::Judgement;
use crosscheck::runtime::last_run::LastRun;
use crosscheck::runtime::metrics::{Count, Metrics};
use crosscheck::runtime::reload::{ReloadError, Reloader};
use crosscheck::runtime::watchdog::ServiceManager;
use crosscheck::runtime::{self, Equipment, FAULT_NAMES, Request, Status};
use crosscheck::view::{self, Action, Asked, Latest, Reply, View};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

use super::Outcome;
use super::inspect::overlay_of;
use super::options::SceneOption;

/// Actions of the live page that may wait.
const ACTIONS_MAX: usize = 4;

/// Longer than an inspection takes: with a silent camera's time-out on top, no sign of progress is a sick station.
const INSPECTION_MAX: Duration = Duration::from_secs(5);

/// Run a station: frames in, rejects out, until it is told to stop. SIGHUP reads engine, thresholds and regions again.
#[derive(Args)]
pub struct Arguments {
    /// Configuration of the station (TOML)
    #[arg(long, value_name = "STATION")]
    config: PathBuf,
    #[command(flatten)]
    scene: SceneOption,
}

pub fn run(arguments: &Arguments) -> Result<Outcome> {
    let path = arguments.config.as_path();
    let mut station = Station::read(path)?;
    station.check_secrets(path)?;
    station.scene = arguments.scene.read()?.or(station.scene);
    let signals = Signals::listen().context("cannot listen to signals")?;
    let manager = ServiceManager::of_environment().context("cannot reach the service manager in NOTIFY_SOCKET")?;
    // First of all, so that the outputs are at their safe state while the rest is made ready.
    let plan = Plan::from(&station);
    let actuator = reject::start(&station, plan.reject, plan.actuator)?;
    let mut judgement = Judgement::of_station(&station)?;
    if let Some(folder) = &station.engine.check_frames {
        let frames = judgement.check(folder)?;
        log::info!("the engine was checked on {frames} frames");
    }
    let mut last_run = LastRun::of_station(path);
    last_run.resume(&mut judgement);
    let usual = station.camera.station_calibration.as_deref().map(Usual::read).transpose()?.flatten();
    let metrics = Arc::new(Metrics::new(&FAULT_NAMES));
    let latest = Arc::new(Latest::new());
    let (actions, asked) = sync_channel(ACTIONS_MAX);
    let page = view::Station {
        name: name(path),
        metrics: metrics.clone(),
        latest: latest.clone(),
        actions,
        progress_age_max: INSPECTION_MAX + Duration::from_secs_f64(1e-3 * station.camera.frame_timeout_ms),
    };
    let _view = station.view.enabled.then(|| View::serve(&station.view, page)).transpose()?;
    let publisher = station.mqtt.as_ref().map(|mqtt| Publisher::start(mqtt, metrics.clone())).transpose()?;
    let drift = Watch::new(usual, metrics.clone());
    let reloader = Reloader::new(path.into(), station.clone(), judgement.judge.clone());
    let mut requests = Requests { signals, asked, reloader, last_run, metrics: metrics.clone() };
    let equipment = Equipment {
        camera: opener(&station.camera, station.engine.backend)?,
        judgement,
        actuator,
        watchers: watchers(latest, publisher, drift),
        listeners: Vec::new(),
        metrics,
        manager,
    };
    runtime::run(&plan.runtime, equipment, &mut |status| requests.request(status))?;
    Ok(Outcome::Done)
}

/// The station's name: that of its configuration.
fn name(path: &Path) -> String {
    path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

/// What a judged part is shown to.
fn watchers(latest: Arc<Latest>, publisher: Option<Publisher>, mut drift: Watch) -> Vec<Watcher> {
    let look: Watcher = Box::new(move |part_frame| {
        let score = part_frame.inspection.outcome.score();
        part_frame.judge.iter().for_each(|judge| drift.look(&part_frame.captured.frame, score, judge));
    });
    let show: Watcher = Box::new(move |part_frame| {
        let threshold = part_frame.judge.as_ref().map(|judge| judge.thresholds.reject);
        latest.offer(part_frame.part, &overlay_of(&part_frame.captured.frame, &part_frame.inspection, threshold));
    });
    let publish = publisher.map(|publisher| -> Watcher {
        Box::new(move |part_frame| {
            let latency_ns = part_frame.judged_ns.saturating_sub(part_frame.captured.captured_ns);
            publisher.verdict(Event {
                part: part_frame.part,
                verdict: part_frame.inspection.outcome.station_verdict(),
                score: part_frame.inspection.outcome.score(),
                threshold: part_frame.judge.as_ref().map_or(0.0, |judge| judge.thresholds.reject),
                reason: part_frame.inspection.outcome.reason().map(|reason| reason.name()),
                latency_ms: Some(latency_ns as f32 * 1e-6),
            });
        })
    });
    [look, show].into_iter().chain(publish).collect()
}

/// Set by the system when a signal comes.
struct Signals {
    stop: Arc<AtomicBool>,
    reload: Arc<AtomicBool>,
}

impl Signals {
    fn listen() -> std::io::Result<Self> {
        let signals = Self { stop: Arc::default(), reload: Arc::default() };
        for stop in [SIGTERM, SIGINT] {
            signal_hook::flag::register(stop, signals.stop.clone())?;
        }
        signal_hook::flag::register(SIGHUP, signals.reload.clone())?;
        Ok(signals)
    }
}

/// Where what is asked of the station comes together: signals, and the live page.
struct Requests {
    signals: Signals,
    asked: Receiver<Asked>,
    reloader: Reloader,
    last_run: LastRun,
    metrics: Arc<Metrics>,
}

impl Requests {
    fn request(&mut self, status: &Status) -> Option<Request> {
        if self.signals.stop.load(Relaxed) {
            return Some(Request::Stop);
        }
        if self.last_run.is_new() {
            self.last_run.keep(self.reloader.judge());
        }
        if self.signals.reload.swap(false, Relaxed) {
            // Who may send signals may change the configuration: nobody is there to confirm.
            return self.reload(status, true).ok();
        }
        let asked = self.asked.try_recv().ok()?;
        let (request, reply) = match asked.action {
            Action::Acknowledge => (Some(Request::Acknowledge), Reply::Done("acknowledged".into())),
            Action::Reload { may_loosen } => match self.reload(status, may_loosen) {
                Ok(request) => (Some(request), Reply::Done("the configuration was read again".into())),
                Err(ReloadError::Loosens(how)) => (None, Reply::Unconfirmed(how)),
                Err(error) => (None, Reply::Refused(error.to_string())),
            },
            Action::SetThreshold { reject, may_loosen } => match self.reloader.threshold(reject, may_loosen) {
                Ok(change) => (Some(self.changed(change)), Reply::Done(self.said())),
                Err(ThresholdRefusal::Loosens(how)) => (None, Reply::Unconfirmed(how)),
                Err(error) => (None, Reply::Refused(error.to_string())),
            },
        };
        asked.reply(reply);
        request
    }

    /// What is wrong with the new configuration changes nothing.
    fn reload(&mut self, status: &Status, may_loosen: bool) -> Result<Request, ReloadError> {
        match self.reloader.reload(status.frame, may_loosen) {
            Ok(change) => {
                log::info!("the configuration was read again");
                Ok(self.changed(change))
            }
            Err(error) => {
                log::error!("the configuration stays as it was: {error}");
                self.metrics.count(Count::ReloadsRefused);
                Err(error)
            }
        }
    }

    fn changed(&mut self, change: Change) -> Request {
        self.last_run.keep(self.reloader.judge());
        Request::Change(Box::new(change))
    }

    /// What is in force after the page has set a threshold.
    fn said(&self) -> String {
        let Judge { thresholds, configured, .. } = self.reloader.judge();
        let text = match self.reloader.judge().is_overridden() {
            true => format!("parts are rejected above {thresholds}, set on the page; configured is {configured}"),
            false => format!("parts are rejected above {thresholds}, as configured"),
        };
        log::warn!("{text}");
        text
    }
}
