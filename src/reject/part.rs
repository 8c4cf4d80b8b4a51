//! A part on its way from the camera to the ejector, and the events about it.

use super::fault::Fault;

/// Parts are numbered in the order of their triggers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PartId(pub u64);

/// What became of a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PartOutcome {
    /// Accepted, and the output never was at reject while it passed the ejector.
    Passed,
    /// No accept in time: the output was at reject while it passed the ejector.
    Rejected,
    /// Accepted, but the output was at reject for another part or for a fault.
    Caught,
    /// No accept in time, and the output came to reject too late: it may have passed.
    Missed,
}

/// What became of an accept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accept {
    /// The part passes.
    InTime,
    /// After the decision deadline: the part stays rejected.
    Late,
    /// The part has not been announced, or was accepted already.
    Unknown,
    /// The part was announced under another recipe than the one that judged it: it stays rejected.
    OtherRecipe,
}

/// What happened at the actuator, for the threads that count, show and record it. Times (`at`) are
/// CLOCK_MONOTONIC nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "each event names its fields")]
pub enum Event {
    /// A part was announced under a recipe; `count` is the encoder's at that time, 0 without one.
    Triggered { part: PartId, at: u64, count: u64, recipe: u16 },
    /// It has passed the ejector, which it reached at `reached`.
    Settled { part: PartId, outcome: PartOutcome, at: u64, reached: u64 },
    /// An accept came after the decision deadline.
    LateVerdict { part: PartId, at: u64 },
    /// The output went to reject, or back; `late_ns` after it was due.
    Reject { active: bool, at: u64, late_ns: u64 },
    /// A fault began or ended.
    Fault { fault: Fault, active: bool, at: u64 },
}

/// The states of the outputs, by their meaning and not by their levels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outputs {
    /// The part at the ejector is to be rejected.
    pub reject: bool,
    /// The station judges parts.
    pub ready: bool,
    /// A person should come and look.
    pub fault: bool,
}

impl Outputs {
    /// On start, on exit and when nothing else is known.
    pub const SAFE: Self = Self { reject: true, ready: false, fault: true };
}

/// Sums since the start. `triggered` is the sum of `overflowed`, `passed`, `rejected`, `caught`, `missed` and the
/// parts that are on their way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counters {
    /// Parts that were announced.
    pub triggered: u64,
    /// Trigger edges that were taken for bounce of the edge before.
    pub edges_ignored: u64,
    /// Parts that could not be scheduled; the output was held at reject for them.
    pub overflowed: u64,
    /// As [`PartOutcome::Passed`].
    pub passed: u64,
    /// As [`PartOutcome::Rejected`].
    pub rejected: u64,
    /// As [`PartOutcome::Caught`].
    pub caught: u64,
    /// As [`PartOutcome::Missed`].
    pub missed: u64,
    /// Accepts that came in time.
    pub accepted: u64,
    /// Accepts that came after the decision deadline.
    pub late_verdicts: u64,
    /// Accepts by another recipe than the part's.
    pub foreign_verdicts: u64,
    /// Parts that lost their accept because they took too long.
    pub expired: u64,
    /// Times the output went to reject for a part.
    pub reject_pulses: u64,
    /// Rejected parts that had no pulse of their own.
    pub pulses_merged: u64,
    /// Rejected parts that were seen in the bin.
    pub confirmed: u64,
    /// By [`Fault`], in the order of [`Fault::ALL`].
    pub faults: [u64; Fault::ALL.len()],
    /// Events that nobody took in time.
    pub events_lost: u64,
}

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Part {
    pub id: PartId,
    /// When it was announced.
    pub at: u64,
    /// Where its front reaches the ejector: nanoseconds, or encoder counts.
    pub due: u64,
    /// When that count was reached.
    pub due_at: Option<u64>,
    /// The recipe under which it was announced, and its pulse.
    pub recipe: u16,
    pub pulse_ns: u64,
    pub accepted: bool,
    /// When it reached the ejector, and the end of its time before it.
    pub reached: u64,
    pub end: u64,
    /// The output was at reject while an accepted part passed.
    pub caught: bool,
    /// It reached the ejector before anything could be done about it.
    pub late: bool,
}

impl Part {
    pub fn outcome(&self) -> PartOutcome {
        match (self.accepted, self.caught, self.late) {
            (true, false, _) => PartOutcome::Passed,
            (true, true, _) => PartOutcome::Caught,
            (false, _, false) => PartOutcome::Rejected,
            (false, _, true) => PartOutcome::Missed,
        }
    }
}
