//! The event that is published for a part.

use serde::Serialize;

use crate::defects::Defect;
use crate::identity::Identity;
use crate::score::Verdict;

/// The verdict on one part.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Event {
    pub part: u64,
    pub identity: Identity,
    /// The number of the recipe; 0 where the station has none.
    pub recipe: u16,
    pub verdict: Verdict,
    /// None for a part that was rejected without one.
    pub score: Option<f32>,
    pub threshold: f32,
    /// Why a part has no score.
    pub reason: Option<&'static str>,
    /// How many defects were found on it; 0 for a part that passed.
    pub defects: usize,
    /// The one with the highest score.
    pub worst: Option<Defect>,
    /// From capture to verdict; none without a frame.
    pub latency_ms: Option<f32>,
}
