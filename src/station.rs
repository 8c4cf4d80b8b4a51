//! A whole station: assembled from its configuration, and run until it is asked to stop.

mod auditing;
mod control;
pub mod reload;
mod requests;
mod selector;
mod tracing;
mod watchers;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::sync_channel;
use std::time::Duration;

use jiff::Timestamp;
use thiserror::Error;

use crate::audit::{Audit, AuditError};
use crate::calibration::CalibrationError;
use crate::config::Station;
use crate::identity::Names;
use crate::mqtt::{MqttError, Publisher, Ways};
use crate::people::{AccountsError, Staff};
use crate::plan::Plan;
use crate::plc::PlcError;
use crate::reject::{self, RejectError};
use crate::runtime::camera::opener;
use crate::runtime::drift::{Usual, Watch};
use crate::runtime::judgement::{Judgement, JudgementError};
use crate::runtime::last_run::LastRun;
use crate::runtime::metrics::Metrics;
use crate::runtime::recipe::checked;
use crate::runtime::watchdog::ServiceManager;
use crate::runtime::{self, Equipment, FAULT_NAMES, StationError};
use crate::teach::Collecting;
use crate::trace::{Ending, TraceError};
use crate::view::{self, Latest, View, ViewError};
use reload::Reloader;
pub use requests::Signals;
use requests::{Beside, Requests};
use selector::Selector;
use tracing::Tracing;
use watchers::watchers;

/// Number of actions of the live page that may wait.
const ACTIONS_MAX: usize = 4;

/// A time that is longer than an inspection. The station is not healthy if it makes no progress for this time and the
/// camera's time-out together.
const INSPECTION_MAX: Duration = Duration::from_secs(5);

#[derive(Debug, Error)]
pub enum RunError {
    #[error("cannot reach the service manager in NOTIFY_SOCKET: {0}")]
    Manager(std::io::Error),
    #[error("parts cannot be collected in a thread of its own: {0}")]
    Collecting(std::io::Error),
    #[error(transparent)]
    Reject(#[from] RejectError),
    #[error(transparent)]
    Judgement(#[from] JudgementError),
    #[error(transparent)]
    Calibration(#[from] CalibrationError),
    #[error(transparent)]
    View(#[from] ViewError),
    #[error(transparent)]
    Mqtt(#[from] MqttError),
    #[error(transparent)]
    Trace(#[from] TraceError),
    #[error(transparent)]
    Audit(#[from] AuditError),
    #[error(transparent)]
    Accounts(#[from] AccountsError),
    #[error(transparent)]
    Plc(#[from] PlcError),
    #[error(transparent)]
    Station(#[from] StationError),
}

/// Runs the station of the configuration at `path` until a signal stops it, its recording ends, or something fails for
/// good.
pub fn run(base: &Station, path: &Path, signals: Signals) -> Result<(), RunError> {
    let manager = ServiceManager::from_environment().map_err(RunError::Manager)?;
    let last_run = LastRun::for_configuration(path);
    let kept = last_run.recall();
    let station = &LastRun::station(base, &kept);
    let plan = Plan::from(station);
    // Opened first, so that the outputs are in their safe state while the rest starts.
    let actuator = reject::start(station, plan.reject, plan.actuator)?;
    let mut judgement = if station.is_untaught() { Judgement::untaught(station)? } else { checked(station, "start")? };
    LastRun::resume(&kept, &mut judgement);
    let usual = station.camera.station_calibration.as_deref().map(Usual::read).transpose()?.flatten();
    let staff = station.view.accounts.as_deref().map(Staff::open).transpose()?.map(Arc::new);
    let metrics = Arc::new(Metrics::new(&FAULT_NAMES));
    let latest = Arc::new(Latest::new());
    let (actions, asked) = sync_channel(ACTIONS_MAX);
    let mut names = Names::new(Timestamp::now());
    let reloader = Reloader::new(path.into(), base.clone(), station.clone(), judgement.judge.clone(), kept.clone());
    let (plc, last) =
        control::serve(station, &metrics, (&actions, &mut names), reloader.roster(), progress_age_max(station))?;
    let (audit, auditing) = auditing::start(station, &metrics)?;
    let collecting = station.teach.clone().map(Collecting::start).transpose().map_err(RunError::Collecting)?;
    let (collecting, collects) = collecting.unzip();
    let lessons = collecting.as_ref().zip(station.teach.clone());
    let lessons = lessons.map(|(collecting, teach)| view::Lessons::new(teach, path.into(), collecting.courses()));
    let page = view::Station {
        name: name(path),
        metrics: metrics.clone(),
        recipes: reloader.roster(),
        latest: latest.clone(),
        actions: actions.clone(),
        staff: staff.clone(),
        scribe: auditing.scribe(),
        recording: station.record.as_ref().map(|record| record.folder.clone()),
        trace: station.trace.as_ref().map(|trace| trace.file.clone()),
        lessons,
        progress_age_max: progress_age_max(station),
    };
    let _view = station.view.enabled.then(|| View::serve(&station.view, page)).transpose()?;
    let publisher = station.mqtt.as_ref().map(|mqtt| {
        let ways = Ways { actions, namer: names.source() };
        Publisher::start(mqtt, &name(path), metrics.clone(), ways)
    });
    let publisher = publisher.transpose()?;
    let Tracing { trace, listener, watcher, mut books } = Tracing::start(station, &name(path), &metrics)?;
    books.failing.extend(audit.as_ref().map(Audit::failing));
    let drift = Watch::new(usual, metrics.clone());
    let selector = Selector::open(&station.gpio)?;
    let stopped = signals.stop.clone();
    let beside = Beside { selector, collecting, staff, auditing: auditing.clone() };
    let mut requests = Requests::new(signals, asked, reloader, last_run, metrics.clone(), beside);
    let equipment = Equipment {
        camera: opener(&station.camera, station.engine.backend)?,
        judgement,
        actuator,
        names,
        watchers: watchers(latest, publisher, drift, [last, watcher, collects]),
        listeners: listener.into_iter().collect(),
        books,
        metrics,
        manager,
    };
    auditing.started(&kept, &requests.moment());
    let ended = runtime::run(&plan.runtime, equipment, &mut |status| requests.next(status));
    drop(plc);
    auditing.ended(stopped.load(Relaxed), ended.as_ref().err().map(ToString::to_string));
    drop(audit);
    if let Some(trace) = trace {
        trace.end(if ended.is_ok() { Ending::Clean } else { Ending::Failed });
    }
    Ok(ended?)
}

/// The station is not healthy if it makes no progress for longer.
fn progress_age_max(station: &Station) -> Duration {
    INSPECTION_MAX + Duration::from_secs_f64(1e-3 * station.camera.frame_timeout_ms)
}

/// The name of the station: the file name of its configuration.
fn name(path: &Path) -> String {
    path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}
