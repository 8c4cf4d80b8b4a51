//! The reject output: when it rejects, what a fault does to it, and the thread that drives it.
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
mod error;
pub mod fault;
pub mod gpio;
mod hold;
pub mod log_sink;
pub mod part;
pub mod plan;
pub mod realtime;
pub mod schedule;
pub mod sender;
mod sink;
pub mod tally;

use crate::config::{self, Station};
use actuator::Options;
pub use edges::{Edge, EdgeKind, Edges, INPUTS_MAX, NoEdges};
pub use error::RejectError;
use log_sink::LogSink;
use plan::RejectPlan;
pub use sink::Sink;

/// Opens the GPIO lines of a configuration, puts the outputs into their safe state, and starts the actuator on them.
pub fn start(station: &Station, plan: RejectPlan, options: Options) -> Result<actuator::Running, RejectError> {
    let sink: Box<dyn Sink> = match station.actuator.sink {
        config::reject::Sink::Gpio => Box::new(gpio::GpioSink::open(&station.gpio, station.reject.polarity)?),
        config::reject::Sink::Log => Box::new(LogSink::start()?),
    };
    let edges = gpio::GpioEdges::open(&station.gpio)?;
    actuator::start(plan, options, sink, Box::new(edges))
}
