//! Requests to a running station, by signals and by the live page.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::mpsc::Receiver;

use crate::runtime::change::Change;
use crate::runtime::judge::{Judge, ThresholdRefusal};
use crate::runtime::last_run::LastRun;
use crate::runtime::metrics::{Count, Metrics};
use crate::runtime::reload::{ReloadError, Reloader};
use crate::runtime::{Request, Status};
use crate::view::{Action, Asked, Reply};

/// Flags that signal handlers set.
#[derive(Default)]
pub struct Signals {
    pub stop: Arc<AtomicBool>,
    pub reload: Arc<AtomicBool>,
}

/// Receives the requests of signals and of the live page.
pub struct Requests {
    pub signals: Signals,
    pub asked: Receiver<Asked>,
    pub reloader: Reloader,
    pub last_run: LastRun,
    pub metrics: Arc<Metrics>,
}

impl Requests {
    /// Returns the next request, if there is one.
    pub fn next(&mut self, status: &Status) -> Option<Request> {
        if self.signals.stop.load(Relaxed) {
            return Some(Request::Stop);
        }
        if self.last_run.is_new() {
            self.last_run.keep(self.reloader.judge());
        }
        if self.signals.reload.swap(false, Relaxed) {
            // A user who may send signals may also change the configuration, so no confirmation is needed.
            return self.reload(status, true).ok();
        }
        let asked = self.asked.try_recv().ok()?;
        let (request, reply) = match asked.action {
            Action::Acknowledge => (Some(Request::Acknowledge), Reply::Done("acknowledged".into())),
            Action::Reload { may_loosen } => match self.reload(status, may_loosen) {
                Ok(request) => (Some(request), Reply::Done("the configuration was reloaded".into())),
                Err(ReloadError::Loosens(how)) => (None, Reply::Unconfirmed(how)),
                Err(error) => (None, Reply::Refused(error.to_string())),
            },
            Action::SetThreshold { reject, may_loosen } => match self.reloader.threshold(reject, may_loosen) {
                Ok(change) => (Some(self.changed(change)), Reply::Done(self.announce_thresholds())),
                Err(ThresholdRefusal::Loosens(how)) => (None, Reply::Unconfirmed(how)),
                Err(error) => (None, Reply::Refused(error.to_string())),
            },
        };
        asked.reply(reply);
        request
    }

    /// Reloads the configuration. After an error everything stays as it was.
    fn reload(&mut self, status: &Status, may_loosen: bool) -> Result<Request, ReloadError> {
        match self.reloader.reload(status.frame, may_loosen) {
            Ok(change) => {
                log::info!("the configuration was reloaded");
                Ok(self.changed(change))
            }
            Err(error) => {
                log::error!("the configuration was not reloaded: {error}");
                self.metrics.count(Count::ReloadsRefused);
                Err(error)
            }
        }
    }

    fn changed(&mut self, change: Change) -> Request {
        self.last_run.keep(self.reloader.judge());
        Request::Change(Box::new(change))
    }

    /// Logs the thresholds in force after the page has set one, and returns the same text for the page.
    fn announce_thresholds(&self) -> String {
        let Judge { thresholds, configured, .. } = self.reloader.judge();
        let text = match self.reloader.judge().is_overridden() {
            true => format!("parts are rejected above {thresholds}, set on the page; configured is {configured}"),
            false => format!("parts are rejected above {thresholds}, as configured"),
        };
        log::warn!("{text}");
        text
    }
}
