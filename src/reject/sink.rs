//! What the actuator drives.

use std::os::fd::BorrowedFd;

use super::error::RejectError;
use super::part::Outputs;

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
