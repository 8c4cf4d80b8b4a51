//! Sums and faults of the actuator that other threads read while it runs.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};

use super::fault::{Fault, FaultSet};
use super::part::Counters;

/// What the actuator counts without an event for each time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sum {
    /// Pulses for parts; an output that a fault holds at reject is none.
    RejectPulses,
    /// Rejected parts that had no pulse of their own.
    PulsesMerged,
    /// Trigger edges that were taken for bounce of the edge before.
    EdgesIgnored,
    /// Rejected parts that were not seen in the bin in time.
    ConfirmationsMissed,
    /// Events that nobody took in time.
    EventsLost,
}

impl Sum {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::RejectPulses, Self::PulsesMerged, Self::EdgesIgnored, Self::ConfirmationsMissed, Self::EventsLost];

    fn of(self, counters: &Counters) -> u64 {
        match self {
            Self::RejectPulses => counters.reject_pulses,
            Self::PulsesMerged => counters.pulses_merged,
            Self::EdgesIgnored => counters.edges_ignored,
            Self::ConfirmationsMissed => counters.faults[Fault::ConfirmMissed as usize],
            Self::EventsLost => counters.events_lost,
        }
    }
}

/// The sums and the active faults. Each is right by itself; together they may be of different moments.
#[derive(Debug, Default)]
pub struct Tally {
    sums: [AtomicU64; Sum::ALL.len()],
    faults: AtomicU32,
}

impl Tally {
    /// The sum since the start.
    pub fn total(&self, sum: Sum) -> u64 {
        self.sums[sum as usize].load(Relaxed)
    }

    /// The faults that are active now, one bit each in the order of their numbers. Events tell the same, but may be
    /// taken late by a thread that waits for a camera.
    pub fn faults(&self) -> u32 {
        self.faults.load(Relaxed)
    }

    pub(crate) fn publish(&self, counters: &Counters, faults: FaultSet) {
        self.faults.store(faults.bits(), Relaxed);
        for sum in Sum::ALL {
            self.sums[sum as usize].store(sum.of(counters), Relaxed);
        }
    }
}
