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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::defects::{Kind, POINTS_MAX};
    use crate::frame::Region;

    #[test]
    fn an_event_is_of_bounded_size() {
        let far = [-1.234_567_9e-12, -8191.123];
        let worst = Defect {
            kind: Kind::Mismatch,
            score: Some(far[0]),
            at: far,
            centre: Some(far),
            centre_mm: Some(far),
            pixels: 50_176,
            area_mm2: Some(far[0]),
            height_mm: Some(far[0]),
            bounds: Region { x: 223, y: 223, width: 224, height: 224 },
            outline: [[-8191.1, -8191.1]; POINTS_MAX].into_iter().collect(),
        };
        let (part, reason) = (u64::MAX, Some("outside_regions"));
        let (verdict, score, threshold) = (Verdict::Reject, Some(far[0]), far[0]);
        let event = Event {
            part,
            identity: Identity::new(&"x".repeat(crate::identity::BYTES_MAX)).unwrap(),
            recipe: u16::MAX,
            verdict,
            score,
            threshold,
            reason,
            defects: 50_176,
            worst: Some(worst),
            latency_ms: score,
        };
        let message = serde_json::to_string(&event).unwrap();
        // The client's limit is 10 kB.
        assert!(message.len() < 1600, "{}: {message}", message.len());
    }
}
