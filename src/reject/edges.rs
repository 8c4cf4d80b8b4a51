//! Inputs as the actuator sees them: edges with the time at which they came.

use std::os::fd::BorrowedFd;

use super::error::RejectError;

/// GPIO lines that edges come from: trigger, encoder, confirm, acknowledge.
pub const INPUTS_MAX: usize = 4;

/// What an edge means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EdgeKind {
    /// A part has reached the photo-eye.
    Trigger,
    /// The belt has moved by one count; `lost` edges before this one were seen by the kernel but not kept.
    Encoder {
        /// Edges that were lost before this one.
        lost: u32,
    },
    /// A part has fallen into the reject bin.
    Confirm,
    /// The push button was pressed.
    Acknowledge,
}

/// A change of an input to active.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Edge {
    /// What it means.
    pub kind: EdgeKind,
    /// CLOCK_MONOTONIC, nanoseconds.
    pub at: u64,
}

/// Where edges come from.
pub trait Edges: Send {
    /// Files that become readable when an edge comes.
    fn files(&self) -> heapless::Vec<BorrowedFd<'_>, INPUTS_MAX>;

    /// Hands over the edges that have come, those of one GPIO line in their order, without waiting, allocating or locking.
    /// Some may be left for the next call.
    fn read(&mut self, take: &mut dyn FnMut(Edge)) -> Result<(), RejectError>;
}

/// No inputs: the station's threads announce all parts.
pub struct NoEdges;

impl Edges for NoEdges {
    fn files(&self) -> heapless::Vec<BorrowedFd<'_>, INPUTS_MAX> {
        heapless::Vec::new()
    }

    fn read(&mut self, _: &mut dyn FnMut(Edge)) -> Result<(), RejectError> {
        Ok(())
    }
}
