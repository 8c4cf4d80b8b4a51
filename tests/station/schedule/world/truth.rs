//! A part of the simulated line.

use crosscheck::reject::part::{PartId, PartOutcome};
use crosscheck::reject::plan::RejectRecipe;

/// One part as it really is.
#[derive(Clone, Debug)]
pub struct Truth {
    /// None for a part that the schedule is never told of.
    pub id: Option<PartId>,
    pub at: u64,
    /// When its front is before the ejector.
    pub arrival: Option<u64>,
    pub(super) due_count: u64,
    /// The same as far as the actuator knows, in counts or nanoseconds.
    pub(super) due_known: u64,
    /// The recipe under which it was announced.
    pub recipe: RejectRecipe,
    /// The recipe that judged it, where it was judged.
    pub judged_by: Option<u16>,
    /// Whether its accept came before the deadline.
    pub accepted: bool,
    /// Whether there was no room for it.
    pub overflowed: bool,
    pub settled: Option<(PartOutcome, u64)>,
    /// When it got to the ejector, by the schedule's reckoning.
    pub reached: Option<u64>,
    /// What the inspection finds, where it finds something.
    pub(super) score: f32,
}
