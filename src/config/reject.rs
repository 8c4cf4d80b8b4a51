use serde::{Deserialize, Serialize};

use super::check::Problems;

/// `[reject]`: when the ejector fires. Delay and lead are given either both in `_ms` or both in `_counts`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reject {
    /// Time from the trigger until the part's front reaches the ejector, for a belt of constant speed.
    pub delay_ms: Option<f64>,
    /// The same in encoder counts, for a belt whose speed varies.
    pub delay_counts: Option<u32>,
    /// A verdict must come at least this long before the part reaches the ejector; a later one has no effect.
    pub decision_lead_ms: Option<f64>,
    /// The same in encoder counts.
    pub decision_lead_counts: Option<u32>,
    /// How long the output stays at reject for one part.
    pub pulse_ms: f64,
    /// The shortest pause that the ejector needs between two pulses.
    #[serde(default = "gap_ms")]
    pub gap_ms: f64,
    /// Whether pulses that are closer than `gap_ms` are merged. If not, such parts raise a fault.
    #[serde(default = "merge")]
    pub merge: bool,
    #[serde(default)]
    pub polarity: Polarity,
    /// A part that takes longer than this from trigger to ejector is rejected, even if it passed the inspection.
    #[serde(default = "age_ms_max")]
    pub age_ms_max: f64,
    /// A pulse that starts later than this raises a fault, since the part may have passed.
    #[serde(default = "late_ms_max")]
    pub late_ms_max: f64,
    /// With `[gpio.confirm]`: an edge is expected within this time after the start of a pulse.
    #[serde(default = "confirm_ms_max")]
    pub confirm_ms_max: f64,
}

/// Which level of the output rejects.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Polarity {
    /// An inactive output rejects, so that a cut wire and a dead computer reject too.
    #[default]
    DeenergiseToReject,
    /// An active output rejects: a cut wire or a dead computer lets parts pass.
    EnergiseToReject,
}

/// `[actuator]`: the thread that drives the outputs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Actuator {
    pub sink: Sink,
    /// SCHED_FIFO priority of the thread, if the system permits it.
    pub priority: u8,
    /// Whether the program's memory is locked, if the system permits it.
    pub lock_memory: bool,
    /// Time from one change of the heartbeat output to the next.
    pub heartbeat_ms: f64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sink {
    /// The GPIO lines of `[gpio]`.
    #[default]
    Gpio,
    /// The log, in which changes of the outputs are written as text. No output is driven.
    Log,
}

impl Default for Actuator {
    fn default() -> Self {
        Self { sink: Sink::Gpio, priority: 80, lock_memory: true, heartbeat_ms: 250.0 }
    }
}

fn gap_ms() -> f64 {
    10.0
}

fn merge() -> bool {
    true
}

fn age_ms_max() -> f64 {
    60_000.0
}

fn late_ms_max() -> f64 {
    5.0
}

fn confirm_ms_max() -> f64 {
    500.0
}

impl Reject {
    pub(super) fn check(&self, problems: &mut Problems) {
        self.check_delay(problems);
        problems.range("reject.pulse_ms", self.pulse_ms, 0.1..=60_000.0);
        problems.range("reject.gap_ms", self.gap_ms, 0.0..=60_000.0);
        problems.range("reject.age_ms_max", self.age_ms_max, 1.0..=86_400_000.0);
        problems.range("reject.late_ms_max", self.late_ms_max, 0.1..=1_000.0);
        problems.range("reject.confirm_ms_max", self.confirm_ms_max, 1.0..=60_000.0);
        if self.late_ms_max > self.pulse_ms {
            problems.say(format!(
                "reject.late_ms_max is {} where at most reject.pulse_ms, {}, is expected",
                self.late_ms_max, self.pulse_ms
            ));
        }
    }

    fn check_delay(&self, problems: &mut Problems) {
        match (self.delay_ms, self.decision_lead_ms, self.delay_counts, self.decision_lead_counts) {
            (Some(delay), Some(lead), None, None) => {
                problems.range("reject.delay_ms", delay, 1.0..=600_000.0);
                problems.range("reject.decision_lead_ms", lead, 0.1..=60_000.0);
                before(problems, "ms", lead, delay);
                if self.age_ms_max < delay {
                    let age = self.age_ms_max;
                    problems.say(format!("reject.age_ms_max is {age} where at least reject.delay_ms, {delay}, is expected"));
                }
            }
            (None, None, Some(delay), Some(lead)) => {
                problems.range("reject.delay_counts", delay, 2..=10_000_000);
                problems.range("reject.decision_lead_counts", lead, 1..=10_000_000);
                before(problems, "counts", lead, delay);
            }
            _ => problems.say(
                "reject.delay_ms with reject.decision_lead_ms, or reject.delay_counts with reject.decision_lead_counts, is expected: give one pair".into(),
            ),
        }
    }
}

fn before<T: PartialOrd + std::fmt::Display>(problems: &mut Problems, unit: &str, lead: T, delay: T) {
    if lead >= delay {
        problems.say(format!(
            "reject.decision_lead_{unit} is {lead} where less than reject.delay_{unit}, {delay}, is expected"
        ));
    }
}

impl Actuator {
    pub(super) fn check(&self, problems: &mut Problems) {
        problems.range("actuator.priority", self.priority, 1..=99);
        problems.range("actuator.heartbeat_ms", self.heartbeat_ms, 1.0..=60_000.0);
    }
}
