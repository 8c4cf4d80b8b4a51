//! The reject output: when it rejects, what a fault does to it, and the thread that drives it.
//!
//! An output of your own implements [`Sink`], and [`start_actuator`] drives it. The thread is a real-time one: it needs Linux.
//!
//! **Default to reject.** Every trigger schedules a reject, and only an accept before the decision deadline cancels
//! it. The output is at reject on start, on exit, on a panic, and as long as a [`Fault`] holds it there.
//!
//! ```text
//! photo-eye, encoder --edges--+
//! runtime ----------commands--+--> actuator: schedule --> sink: reject, ready, fault, heartbeat
//! runtime <---------events----+
//! ```
//!
//! What each fault does, as [`Fault::rule`] has it:
//!
//! | fault | output fault | held at reject | ends |
//! |---|---|---|---|
//! | `starting` | - | yes | with the first judged frame, then flush |
//! | `camera_lost`, `depth_lost`, `engine_error` | active | yes | when frames come and are judged again, then flush |
//! | `queue_overflow`, `clock_jump`, `pulse_late` | active | yes | flush |
//! | `belt_stopped`, `belt_too_fast` | active | yes | when the belt moves, and not too fast, then flush |
//! | `encoder_missed`, `parts_too_close` | active | yes | flush |
//! | `confirm_missed` | active | yes | acknowledged by a person |
//! | `disk_full` | active | - | when there is room again |
//! | `recipe_change` | - | yes | when the other recipe is in force, then flush |
//! | `held` | - | yes | when whoever holds the output releases it, then flush |
//!
//! Flush: everything that is between camera and ejector passes the ejector as a reject.

#[doc(hidden)]
pub mod actuator;
#[doc(hidden)]
pub mod belt;
#[doc(hidden)]
pub mod channel;
mod edges;
mod error;
#[doc(hidden)]
pub mod fault;
#[doc(hidden)]
pub mod gpio;
mod hold;
#[doc(hidden)]
pub mod log_sink;
#[doc(hidden)]
pub mod part;
#[doc(hidden)]
pub mod plan;
#[doc(hidden)]
pub mod realtime;
#[doc(hidden)]
pub mod schedule;
#[doc(hidden)]
pub mod sender;
mod sink;
#[doc(hidden)]
pub mod tally;

use crate::config::{self, Station};
pub use actuator::{Actuator, ActuatorReport, Options as ActuatorOptions, Running, start as start_actuator};
pub use belt::BeltSettings;
pub use channel::{Command, Commands, Events, Handles};
pub use edges::{Edge, EdgeKind, Edges, INPUTS_MAX, NoEdges};
pub use error::RejectError;
pub use fault::{Fault, Recover, Rule};
use log_sink::LogSink;
pub use part::{Counters, Event, Outputs, PartId, PartOutcome};
pub use plan::{Delay, RejectPlan, RejectRecipe};
pub use sink::Sink;
pub use tally::{Sum, Tally};

/// Opens the GPIO lines of a configuration, puts the outputs into their safe state, and starts the actuator on them.
#[doc(hidden)]
pub fn start(station: &Station, plan: RejectPlan, options: ActuatorOptions) -> Result<Running, RejectError> {
    let sink: Box<dyn Sink> = match station.actuator.sink {
        config::reject::Sink::Gpio => Box::new(gpio::GpioSink::open(&station.gpio, station.reject.polarity)?),
        config::reject::Sink::Log => Box::new(LogSink::start()?),
    };
    let edges = gpio::GpioEdges::open(&station.gpio)?;
    actuator::start(plan, options, sink, Box::new(edges))
}
