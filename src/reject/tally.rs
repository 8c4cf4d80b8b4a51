//! Sums of the line that have no event of their own, for other threads to read while it works.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};

use super::fault::{Fault, FaultSet};
use super::part::Counters;

/// Each sum is true by itself; they may be of different moments.
#[derive(Debug, Default)]
pub struct Tally {
    pulses: AtomicU64,
    bounced: AtomicU64,
    merged: AtomicU64,
    unconfirmed: AtomicU64,
    events_lost: AtomicU64,
    faults: AtomicU32,
}

impl Tally {
    /// Pulses for parts; an output that a fault holds at reject is none.
    pub fn pulses(&self) -> u64 {
        self.pulses.load(Relaxed)
    }

    /// Edges that were part of the one before.
    pub fn bounced(&self) -> u64 {
        self.bounced.load(Relaxed)
    }

    /// Rejected parts that had no pulse of their own.
    pub fn merged(&self) -> u64 {
        self.merged.load(Relaxed)
    }

    /// Times that a rejected part was not seen in the bin.
    pub fn unconfirmed(&self) -> u64 {
        self.unconfirmed.load(Relaxed)
    }

    /// Events that nobody took in time.
    pub fn events_lost(&self) -> u64 {
        self.events_lost.load(Relaxed)
    }

    /// The faults that are active now, one bit each in the order of their numbers: events may be late, where whoever
    /// takes them waits for a camera.
    pub fn faults(&self) -> u32 {
        self.faults.load(Relaxed)
    }

    /// `events_lost`: beside those that `counters` has.
    pub(super) fn publish(&self, counters: &Counters, events_lost: u64, faults: FaultSet) {
        self.faults.store(faults.bits(), Relaxed);
        self.pulses.store(counters.pulses, Relaxed);
        self.bounced.store(counters.bounced, Relaxed);
        self.merged.store(counters.merged, Relaxed);
        self.unconfirmed.store(counters.faults[Fault::ConfirmMissed as usize], Relaxed);
        self.events_lost.store(counters.events_lost + events_lost, Relaxed);
    }
}
