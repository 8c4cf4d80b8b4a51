//! Why the reject output cannot be driven.

use thiserror::Error;

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
