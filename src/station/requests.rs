//! Requests to a running station, by signals, by the live page, and by other machines.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::mpsc::Receiver;

use super::reload::{ReloadError, Reloader};
use super::selector::Selector;
use crate::action::{Action, Asked, Reply};
use crate::runtime::change::Change;
use crate::runtime::judge::{Judge, ThresholdRefusal};
use crate::runtime::last_run::LastRun;
use crate::runtime::metrics::{Count, Metrics};
use crate::runtime::recipe::Preparing;
use crate::runtime::{Request, Status};

/// Flags that signal handlers set.
#[derive(Default)]
pub struct Signals {
    pub stop: Arc<AtomicBool>,
    pub reload: Arc<AtomicBool>,
}

/// Receives the requests of signals, of the live page, and of other machines.
pub struct Requests {
    signals: Signals,
    asked: Receiver<Asked>,
    reloader: Reloader,
    last_run: LastRun,
    metrics: Arc<Metrics>,
    /// GPIO lines that ask for a recipe.
    selector: Option<Selector>,
    /// A recipe whose engine is read and checked, and who asked for it.
    preparing: Option<(Preparing, Asked)>,
}

impl Requests {
    pub fn new(
        signals: Signals,
        asked: Receiver<Asked>,
        reloader: Reloader,
        last_run: LastRun,
        metrics: Arc<Metrics>,
        selector: Option<Selector>,
    ) -> Self {
        Self { signals, asked, reloader, last_run, metrics, selector, preparing: None }
    }

    /// Returns the next request, if there is one.
    pub fn next(&mut self, status: &Status) -> Option<Request> {
        if self.signals.stop.load(Relaxed) {
            return Some(Request::Stop);
        }
        if self.last_run.is_new() {
            self.last_run.keep(self.reloader.kept());
        }
        let is_busy = self.preparing.is_some() || status.flushing;
        // A signal waits for a change that is under way: nobody would hear a refusal.
        if !is_busy && self.signals.reload.swap(false, Relaxed) {
            // A user who may send signals may also change the configuration, so no confirmation is needed.
            return self.reload(status, true).ok();
        }
        if let Some((preparing, asked)) = self.preparing.take_if(|(preparing, _)| preparing.is_over()) {
            let (request, reply) = self.adopt(preparing);
            asked.reply(reply);
            return request;
        }
        // Lines are not read before what is under way is done: nobody would hear a refusal.
        let selected = self.selector.as_mut().filter(|_| !is_busy).and_then(Selector::next);
        let asked = match selected {
            Some(number) => Asked::new(Action::Recipe(number)).0,
            None => self.asked.try_recv().ok()?,
        };
        self.act(asked, status, is_busy)
    }

    /// Does what was asked for, and replies.
    fn act(&mut self, asked: Asked, status: &Status, is_busy: bool) -> Option<Request> {
        let (request, reply) = match asked.action {
            Action::Acknowledge => (Some(Request::Acknowledge), Reply::Done("acknowledged".into())),
            Action::Hold(held) => {
                let text = if held { "the output is held at reject" } else { "the output is released" };
                log::warn!("{text}, as it was asked");
                (Some(Request::Hold(held)), Reply::Done(text.into()))
            }
            _ if is_busy => (None, Reply::Busy("the recipe is changed just now: ask again when that is done".into())),
            Action::Recipe(number) if number == self.reloader.judge().recipe && number != 0 => {
                (None, Reply::Done(format!("recipe {number} is in force")))
            }
            Action::Recipe(number) => match self.reloader.prepare(number) {
                Ok(preparing) => {
                    log::info!("recipe {number} is asked for: its engine is read and checked");
                    self.preparing = Some((preparing, asked));
                    return None;
                }
                Err(error) => (None, self.recipe_refused(number, error)),
            },
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

    /// Goes to a recipe that was read and checked, if it may take over. Otherwise everything stays as it was.
    fn adopt(&mut self, preparing: Preparing) -> (Option<Request>, Reply) {
        let number = preparing.number();
        let Some(checked) = preparing.finish() else {
            // The thread has said on standard error where it ended.
            return (
                None,
                self.recipe_refused(number, "reading it ended by a fault of this program: please report it"),
            );
        };
        match checked.map_err(ReloadError::from).and_then(|ready| self.reloader.adopt(ready)) {
            Ok(change) => {
                self.metrics.count(Count::RecipeChanges);
                let text = format!("recipe {number} takes over; what is on the belt passes as a reject");
                (Some(self.changed(change)), Reply::Done(text))
            }
            Err(error) => (None, self.recipe_refused(number, error)),
        }
    }

    fn recipe_refused(&self, number: u16, error: impl std::fmt::Display) -> Reply {
        log::error!("the station does not go to recipe {number}: {error}");
        self.metrics.count(Count::RecipeChangesRefused);
        Reply::Refused(error.to_string())
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
        self.last_run.keep(self.reloader.kept());
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
