//! What the audit is told of a station: its start and its end, and each action with what it changed.

use std::sync::Arc;

use super::reload::Reloader;
use crate::action::{Action, By, Reply, Way};
use crate::audit::{Audit, AuditError, DONE, Entry, Scribe, What};
use crate::config::Station;
use crate::runtime::last_run::Kept;
use crate::runtime::metrics::Metrics;
use crate::score::Thresholds;

/// Starts the audit that the configuration asks for.
pub fn start(station: &Station, metrics: &Arc<Metrics>) -> Result<(Option<Audit>, Auditing), AuditError> {
    let audit = station.audit.as_ref().map(|config| Audit::start(&config.file, metrics.clone())).transpose()?;
    let (audit, scribe) = audit.unzip();
    Ok((audit, Auditing { scribe: scribe.unwrap_or_default() }))
}

/// What may change by an action, at one moment.
pub struct Moment {
    configuration_sha256: String,
    engine_sha256: String,
    recipe: u16,
    thresholds: Thresholds,
    /// Whether the output is held at reject, as somebody has asked.
    held: bool,
    /// The faults that are active.
    faults: String,
}

impl Moment {
    pub fn of(reloader: &Reloader, metrics: &Metrics, held: bool) -> Self {
        let judge = reloader.judge();
        let faults: Vec<&str> = metrics.active_faults().iter().map(|fault| fault.name()).collect();
        Self {
            configuration_sha256: reloader.configuration_sha256().into(),
            engine_sha256: judge.engine_sha256.clone(),
            recipe: judge.recipe,
            thresholds: judge.thresholds,
            held,
            faults: faults.join(", "),
        }
    }
}

/// Tells the audit.
#[derive(Clone)]
pub struct Auditing {
    scribe: Scribe,
}

impl Auditing {
    /// For whoever tells the audit without an action of the station.
    pub fn scribe(&self) -> Scribe {
        self.scribe.clone()
    }

    /// The station begins to judge. `before`: what the last run left.
    pub fn started(&self, before: &Kept, now: &Moment) {
        let Moment { configuration_sha256, engine_sha256, recipe, thresholds, .. } = now;
        let before = before.in_force.get(recipe).map_or(String::new(), |last| {
            format!("engine {}, recipe {}, threshold {}", last.engine_sha256, before.recipe, last.thresholds)
        });
        let after = format!(
            "configuration {configuration_sha256}, engine {engine_sha256}, recipe {recipe}, threshold {thresholds}, version {}",
            env!("CARGO_PKG_VERSION")
        );
        self.tell(&By::machine(Way::Station, None), What::Start, before, after, DONE.into());
    }

    /// The station has ended; `failed` says by which error.
    pub fn ended(&self, by_signal: bool, failed: Option<String>) {
        let by = By::machine(if by_signal { Way::Signal } else { Way::Station }, None);
        let outcome = failed.map_or(DONE.into(), |why| format!("failed: {why}"));
        self.tell(&by, What::Stop, String::new(), String::new(), outcome);
    }

    /// An action was asked for, and has its reply. One that waits for a confirmation was not done, and is asked for again.
    pub fn asked(&self, by: &By, action: Action, (before, after): (&Moment, &Moment), reply: &Reply) {
        let outcome = match reply {
            Reply::Done(_) => DONE.to_string(),
            Reply::Refused(why) | Reply::Busy(why) => format!("refused: {why}"),
            Reply::Unconfirmed(_) => return,
        };
        let is_done = matches!(reply, Reply::Done(_));
        let on_off = |held: bool| if held { "on" } else { "off" }.to_string();
        let (what, from, to) = match action {
            Action::Acknowledge => (What::Acknowledge, before.faults.clone(), String::new()),
            Action::Collect(lesson) => {
                (What::Teach, String::new(), lesson.map_or("off".into(), |number| format!("recipe {number}")))
            }
            Action::Hold(held) => (What::Hold, on_off(before.held), on_off(held)),
            Action::Recipe(number) => (What::Recipe, before.recipe.to_string(), number.to_string()),
            Action::Reload { .. } => {
                let to = if is_done { after.configuration_sha256.clone() } else { String::new() };
                (What::Reload, before.configuration_sha256.clone(), to)
            }
            Action::SetThreshold { reject, .. } => {
                let to = if is_done { after.thresholds.to_string() } else { reject.to_string() };
                (What::Threshold, before.thresholds.to_string(), to)
            }
        };
        self.tell(by, what, from, to, outcome);
        if what != What::Threshold && before.thresholds != after.thresholds {
            self.tell(by, What::Threshold, before.thresholds.to_string(), after.thresholds.to_string(), DONE.into());
        }
        if before.engine_sha256 != after.engine_sha256 {
            self.tell(by, What::Engine, before.engine_sha256.clone(), after.engine_sha256.clone(), DONE.into());
        }
    }

    fn tell(&self, by: &By, what: What, before: String, after: String, outcome: String) {
        self.scribe.record(Entry { by: by.clone(), what, before, after, outcome });
    }
}
