//! Requests to a running station, by signals, by the live page, and by other machines.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::mpsc::Receiver;

use super::auditing::{Auditing, Moment};
use super::reload::{ReloadError, Reloader};
use super::selector::Selector;
use crate::action::{Action, Asked, By, Reply, Way};
use crate::people::Staff;
use crate::runtime::change::Change;
use crate::runtime::judge::{Judge, ThresholdRefusal};
use crate::runtime::last_run::LastRun;
use crate::runtime::metrics::{Count, Metrics};
use crate::runtime::recipe::Preparing;
use crate::runtime::{Request, Status};
use crate::teach::Collecting;

/// Flags that signal handlers set.
#[derive(Default)]
pub struct Signals {
    pub stop: Arc<AtomicBool>,
    pub reload: Arc<AtomicBool>,
}

/// What requests come from or go to, besides the station itself.
pub struct Beside {
    /// GPIO lines that ask for a recipe.
    pub selector: Option<Selector>,
    /// What collects parts for lessons, where lessons are configured.
    pub collecting: Option<Collecting>,
    /// Who may log in, if anybody may.
    pub staff: Option<Arc<Staff>>,
    pub auditing: Auditing,
}

/// Receives the requests of signals, of the live page, and of other machines.
pub struct Requests {
    signals: Signals,
    asked: Receiver<Asked>,
    reloader: Reloader,
    last_run: LastRun,
    metrics: Arc<Metrics>,
    beside: Beside,
    /// A recipe whose engine is read and checked, and who asked for it.
    preparing: Option<(Preparing, Asked)>,
    /// Whether the output is held at reject, as somebody has asked.
    held: bool,
}

/// What becomes of an action.
enum Course {
    Over(Option<Request>, Reply),
    /// The engine of a recipe is read and checked.
    UnderWay(Preparing),
}

impl Requests {
    pub fn new(
        signals: Signals,
        asked: Receiver<Asked>,
        reloader: Reloader,
        last_run: LastRun,
        metrics: Arc<Metrics>,
        beside: Beside,
    ) -> Self {
        let (preparing, held) = (None, false);
        Self { signals, asked, reloader, last_run, metrics, beside, preparing, held }
    }

    /// What is in force now.
    pub fn moment(&self) -> Moment {
        Moment::of(&self.reloader, &self.metrics, self.held)
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
            let asked = Asked::new(Action::Reload { may_loosen: true }, By::machine(Way::Signal, None)).0;
            return self.act(asked, status, is_busy);
        }
        if let Some((preparing, asked)) = self.preparing.take_if(|(preparing, _)| preparing.is_over()) {
            let before = self.moment();
            let (request, reply) = self.adopt(preparing);
            self.settle(asked, &before, reply);
            return request;
        }
        // Lines are not read before what is under way is done: nobody would hear a refusal.
        let selected = self.beside.selector.as_mut().filter(|_| !is_busy).and_then(Selector::next);
        let asked = match selected {
            Some(number) => Asked::new(Action::Recipe(number), By::machine(Way::Gpio, None)).0,
            None => self.asked.try_recv().ok()?,
        };
        self.act(asked, status, is_busy)
    }

    /// Does what was asked for, and replies.
    fn act(&mut self, asked: Asked, status: &Status, is_busy: bool) -> Option<Request> {
        let before = self.moment();
        match self.course(asked.action, status, is_busy) {
            Course::Over(request, reply) => {
                self.settle(asked, &before, reply);
                request
            }
            Course::UnderWay(preparing) => {
                self.preparing = Some((preparing, asked));
                None
            }
        }
    }

    /// Replies, and tells the audit.
    fn settle(&self, asked: Asked, before: &Moment, reply: Reply) {
        self.beside.auditing.asked(&asked.by, asked.action, (before, &self.moment()), &reply);
        asked.reply(reply);
    }

    fn course(&mut self, action: Action, status: &Status, is_busy: bool) -> Course {
        let (request, reply) = match action {
            Action::Acknowledge => (Some(Request::Acknowledge), Reply::Done("acknowledged".into())),
            Action::Hold(held) => {
                let text = if held { "the output is held at reject" } else { "the output is released" };
                log::warn!("{text}, as it was asked");
                self.held = held;
                (Some(Request::Hold(held)), Reply::Done(text.into()))
            }
            Action::Collect(lesson) => (None, self.collect(lesson)),
            _ if is_busy => (None, Reply::Busy("the recipe is changed just now: ask again when that is done".into())),
            Action::Recipe(number)
                if number == self.reloader.judge().recipe && number != 0 && !self.reloader.judge().is_untaught() =>
            {
                (None, Reply::Done(format!("recipe {number} is in force")))
            }
            Action::Recipe(number) => match self.reloader.prepare(number) {
                Ok(preparing) => {
                    log::info!("recipe {number} is asked for: its engine is read and checked");
                    return Course::UnderWay(preparing);
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
        Course::Over(request, reply)
    }

    /// Begins or ends to collect parts.
    fn collect(&self, lesson: Option<u16>) -> Reply {
        let Some(collecting) = &self.beside.collecting else {
            return Reply::Refused(
                "the configuration has no [teach]: give it with a folder for lessons, and start again".into(),
            );
        };
        let Some(number) = lesson else {
            collecting.end();
            return Reply::Done("no more parts are collected".into());
        };
        match collecting.begin(number) {
            Ok(missing) => Reply::Done(format!("{missing} more good parts are collected for recipe {number}")),
            Err(error) => Reply::Refused(error.to_string()),
        }
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
        match self.read_again(status, may_loosen) {
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

    /// Reads the configuration and the accounts. After an error both stay as they were.
    fn read_again(&mut self, status: &Status, may_loosen: bool) -> Result<Change, ReloadError> {
        let accounts = self.beside.staff.as_ref().map(|staff| staff.read()).transpose()?;
        let change = self.reloader.reload(status.frame, may_loosen)?;
        if let Some((staff, accounts)) = self.beside.staff.as_ref().zip(accounts) {
            staff.replace(accounts);
        }
        Ok(change)
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
