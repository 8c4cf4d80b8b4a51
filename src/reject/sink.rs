//! The outputs as the actuator sees them.

use std::os::fd::BorrowedFd;

use super::error::RejectError;
use super::part::Outputs;

/// Drives the outputs. They are in their safe state from the moment it is made.
pub trait Sink: Send {
    /// Drives the outputs. Neither this nor [`Self::heartbeat`] may allocate, lock or wait.
    fn drive(&mut self, outputs: Outputs) -> Result<(), RejectError>;

    /// Drives the heartbeat, which changes as long as the actuator is alive.
    fn heartbeat(&mut self, active: bool) -> Result<(), RejectError>;

    /// Puts every output into its safe state, even if others fail.
    fn make_safe(&mut self);

    /// A file that reports an error once the reject output's GPIO line is gone.
    fn file(&self) -> Option<BorrowedFd<'_>> {
        None
    }
}
