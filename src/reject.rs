//! The reject output: what fires when, what a fault does to it, and the thread that drives it.
//!
//! **Default to reject.** Every trigger schedules a reject, and only an accept before the decision deadline cancels
//! it. The output is at reject on start, on exit, on a panic, and as long as a [`fault::Fault`] holds it there.
//!
//! ```text
//! photo-eye, encoder --edges--+
//! runtime ----------commands--+--> actuator: schedule --> sink: reject, ready, fault, heartbeat
//! runtime <---------events----+
//! ```
//!
//! What each fault does, as [`fault::Fault::rule`] has it:
//!
//! | fault | output fault | held at reject | ends |
//! |---|---|---|---|
//! | `starting` | - | yes | with the first judged frame, then flush |
//! | `camera_lost`, `engine_error` | active | yes | when frames come and are judged again, then flush |
//! | `queue_overflow`, `clock_jump`, `pulse_late` | active | yes | flush |
//! | `belt_stopped`, `belt_too_fast` | active | yes | when the belt moves, and not too fast, then flush |
//! | `encoder_missed`, `parts_too_close` | active | yes | flush |
//! | `confirm_missed` | active | yes | acknowledged by a person |
//! | `disk_full` | active | - | when there is room again |
//!
//! Flush: everything that is between camera and ejector passes the ejector as a reject.

pub mod actuator;
pub mod belt;
pub mod channel;
mod edges;
pub mod fault;
pub mod gpio;
mod hold;
pub mod log_sink;
pub mod part;
pub mod realtime;
pub mod schedule;
pub mod sender;
pub mod settings;
pub mod tally;

use std::os::fd::BorrowedFd;

use thiserror::Error;

use crate::config;
use crate::config::trigger::TriggerSource;
use crate::config::{Station, ns_from_ms};
use actuator::Options;
use belt::BeltSettings;
pub use edges::{Edge, EdgeKind, Edges, INPUTS_MAX, NoEdges};
use log_sink::LogSink;
use part::Outputs;
use settings::{Delay, Settings};

#[derive(Debug, Error)]
pub enum RejectError {
    #[error("gpio.{name}: {reason}")]
    Gpio { name: &'static str, reason: String },
    #[error("the actuator cannot wait for time and edges: {0}")]
    Wait(std::io::Error),
    #[error("cannot start the thread {name}: {source}")]
    Spawn { name: &'static str, source: std::io::Error },
    #[error("the actuator thread ended by a panic, which is a fault of this program: please report it")]
    Panicked,
}

/// Something that outputs are driven on. Its lines are at their safe state from the moment it is made.
pub trait Sink: Send {
    /// Drives the outputs. Neither this nor [`Self::heartbeat`] may allocate, lock or wait.
    fn drive(&mut self, outputs: Outputs) -> Result<(), RejectError>;

    fn heartbeat(&mut self, active: bool) -> Result<(), RejectError>;

    /// Puts every line into its safe state, whatever the state of the rest.
    fn make_safe(&mut self);

    /// What reports an error once the reject line is gone.
    fn file(&self) -> Option<BorrowedFd<'_>> {
        None
    }
}

impl Settings {
    /// The times of a configuration that was checked.
    pub fn of(station: &Station) -> Self {
        let Station { reject, trigger, encoder, gpio, .. } = station;
        let counts = reject.delay_counts.zip(reject.decision_lead_counts);
        let time = reject.delay_ms.zip(reject.decision_lead_ms);
        let delay = match (counts, time) {
            (Some((delay, lead)), _) => Delay::Counts { delay: delay.into(), lead: lead.into() },
            (None, time) => {
                let (delay_ns, lead_ns) = time.map_or((0, 0), |(delay, lead)| (ns_from_ms(delay), ns_from_ms(lead)));
                Delay::Time { delay_ns, lead_ns }
            }
        };
        let bounces = trigger.source == TriggerSource::Gpio;
        Self {
            delay,
            pulse_ns: ns_from_ms(reject.pulse_ms),
            gap_ns: ns_from_ms(reject.gap_ms),
            merge: reject.merge,
            age_ns_max: ns_from_ms(reject.age_ms_max),
            late_ns_max: ns_from_ms(reject.late_ms_max),
            debounce_ns: if bounces { ns_from_ms(trigger.debounce_ms) } else { 0 },
            confirm_ns_max: gpio.confirm.as_ref().map(|_| ns_from_ms(reject.confirm_ms_max)),
            belt: encoder.as_ref().map(|encoder| BeltSettings {
                interval_ns_min: 1_000_000_000 / u64::from(encoder.counts_per_s_max),
                stopped_ns: ns_from_ms(encoder.stopped_ms),
                missing_pulses: encoder.missing_pulses,
            }),
            pitch_counts: trigger.pitch_counts.map(u64::from),
        }
    }
}

/// Opens the lines of a configuration, puts the outputs into their safe state, and starts the actuator on them.
pub fn start(station: &Station) -> Result<actuator::Running, RejectError> {
    let sink: Box<dyn Sink> = match station.actuator.sink {
        config::reject::Sink::Gpio => Box::new(gpio::GpioSink::open(&station.gpio, station.reject.polarity)?),
        config::reject::Sink::Log => Box::new(LogSink::start()?),
    };
    let edges = gpio::GpioEdges::open(&station.gpio)?;
    let heartbeat_ns = ns_from_ms(station.actuator.heartbeat_ms);
    let options =
        Options { priority: Some(station.actuator.priority), lock_memory: station.actuator.lock_memory, heartbeat_ns };
    actuator::start(Settings::of(station), options, sink, Box::new(edges))
}
