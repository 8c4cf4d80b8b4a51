//! Why the reject output cannot be driven.

use thiserror::Error;

/// Why the reject output cannot be driven.
#[derive(Debug, Error)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the messages name the fields")]
pub enum RejectError {
    /// An output or an input failed.
    #[error("gpio.{name}: {reason}")]
    Gpio { name: &'static str, reason: String },
    /// The thread cannot wait.
    #[error("the actuator cannot wait for time and edges: {0}")]
    Wait(std::io::Error),
    /// A thread cannot be started.
    #[error("cannot start the thread {name}: {source}")]
    Spawn { name: &'static str, source: std::io::Error },
    /// The thread panicked; the outputs are in their safe state.
    #[error("the actuator thread ended by a panic, which is a fault of this program: please report it")]
    Panicked,
}
