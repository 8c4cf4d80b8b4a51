//! The messages and their topics. `docs/reference/mqtt` has a JSON schema of each.

use serde::Serialize;

use super::event::Event;
use crate::reject::fault::Fault;
use crate::runtime::metrics::{Gauge, Metrics};

/// Number of the messages' format. A field that is added leaves it as it is; one that changes or goes increases it.
pub const FORMAT: u32 = 1;

/// Where messages are published.
#[derive(Clone, Debug, PartialEq)]
pub struct Topics {
    pub verdict: String,
    pub state: String,
    pub info: String,
    pub result: String,
    /// Above the topics of commands.
    pub command: String,
}

impl Topics {
    /// `prefix`: `mqtt.topic`.
    pub fn below(prefix: &str) -> Self {
        let below = |name| format!("{prefix}/{name}");
        let (verdict, state, info) = (below("verdict"), below("state"), below("info"));
        Self { verdict, state, info, result: below("result"), command: below("command") }
    }
}

/// `<topic>/verdict`: one for each inspected part.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct VerdictMessage {
    #[serde(flatten)]
    pub event: Event,
    /// When it was sent, by the wall clock, since 1970.
    pub time_unix_ms: u64,
}

/// `<topic>/info`, retained: what does not change while the station runs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Info {
    pub format: u32,
    /// File name of the configuration without its suffix.
    pub station: String,
    pub version: &'static str,
}

impl Info {
    pub fn of(station: &str) -> Self {
        Self { format: FORMAT, station: station.into(), version: env!("CARGO_PKG_VERSION") }
    }
}

/// `<topic>/result`: what came of a command.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ResultMessage {
    /// The last level of the command's topic.
    pub command: String,
    /// `done`, `refused` or `busy`.
    pub result: &'static str,
    /// For a person.
    pub text: String,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Phase {
    /// No part is judged yet.
    Starting,
    Running,
    /// The output is held at reject and nothing is wrong: it was asked for, or the recipe is changed.
    Held,
    Fault,
    /// The program ended as it was asked to.
    Stopped,
    /// The connection broke; the broker sends it.
    Offline,
}

crate::words::words!(serde Phase {
    Starting = "starting",
    Running = "running",
    Held = "held",
    Fault = "fault",
    Stopped = "stopped",
    Offline = "offline",
});

/// `<topic>/state`, retained. It has no time and no counts, so that it changes only if something happens.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct State {
    pub state: Phase,
    /// The names of the active ones, and of what holds the output.
    pub faults: Vec<&'static str>,
    /// First 16 digits of the engine's content hash. None while no engine judges parts.
    pub engine: Option<String>,
    pub threshold: Option<f32>,
    /// Whether the threshold was set on the page.
    pub threshold_overridden: Option<bool>,
    /// The number of the recipe; 0 where the station has none.
    pub recipe: Option<u16>,
}

impl State {
    /// The state of a station that judges nothing any more.
    pub fn ended(state: Phase) -> Self {
        Self { state, faults: Vec::new(), engine: None, threshold: None, threshold_overridden: None, recipe: None }
    }

    pub fn of(metrics: &Metrics) -> Self {
        let mut faults = metrics.active_faults();
        let has_judge = metrics.has_judge();
        let is_starting = !has_judge || faults.contains(Fault::Starting);
        // To be starting is a fault for the outputs alone.
        faults.remove(Fault::Starting);
        let state = match faults.shows() {
            true => Phase::Fault,
            false if is_starting => Phase::Starting,
            false if faults.holds() => Phase::Held,
            false => Phase::Running,
        };
        Self {
            state,
            faults: faults.iter().map(Fault::name).collect(),
            engine: has_judge.then(|| metrics.engine()),
            threshold: has_judge.then(|| metrics.gauge(Gauge::Threshold) as f32),
            threshold_overridden: has_judge.then(|| metrics.gauge(Gauge::ThresholdOverridden) > 0.0),
            recipe: has_judge.then(|| metrics.gauge(Gauge::Recipe) as u16),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::FAULT_NAMES;
    use crate::runtime::judge::Judge;
    use crate::score::Thresholds;

    fn number(fault: Fault) -> usize {
        Fault::ALL.iter().position(|other| *other == fault).unwrap()
    }

    #[test]
    fn a_station_is_starting_until_it_judges_parts() {
        let metrics = Metrics::new(&FAULT_NAMES);
        assert_eq!(State::of(&metrics), State::ended(Phase::Starting));
        metrics.raise(number(Fault::Starting));
        let thresholds = Thresholds { reject: 0.7, review: None };
        metrics.set_judge(&Judge::new(thresholds, [0.35, 1.4], "0123456789abcdef0011".into()));
        let state = State::of(&metrics);
        assert_eq!((state.state, state.faults.len()), (Phase::Starting, 0));
        metrics.clear(number(Fault::Starting));
        let state = State::of(&metrics);
        assert_eq!((state.state, state.engine.as_deref()), (Phase::Running, Some("0123456789abcdef")));
        assert_eq!((state.threshold, state.threshold_overridden), (Some(0.7), Some(false)));
        metrics.raise(number(Fault::Held));
        assert_eq!((State::of(&metrics).state, State::of(&metrics).recipe), (Phase::Held, Some(0)));
        metrics.raise(number(Fault::DiskFull));
        assert_eq!(State::of(&metrics).state, Phase::Fault);
    }

    #[test]
    fn a_camera_that_is_lost_at_the_start_is_a_fault() {
        let metrics = Metrics::new(&FAULT_NAMES);
        metrics.raise(number(Fault::Starting));
        metrics.raise(number(Fault::CameraLost));
        let state = State::of(&metrics);
        assert_eq!((state.state, state.faults), (Phase::Fault, vec!["camera_lost"]));
    }
}
