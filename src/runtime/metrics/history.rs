//! The newest scores, for the live page.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::score::Verdict;

/// Number of scores that are kept.
pub const NEWEST: usize = 500;
/// Size of the ring: a few more than are kept, so that the writer does not overtake a reader.
const SLOTS: usize = 512;
const PART_BITS: u32 = 30;

/// One verdict of the history.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scored {
    /// The part's number, its low 30 bits.
    pub part: u32,
    /// None for a part that was rejected without one.
    pub score: Option<f32>,
    pub verdict: Verdict,
}

/// A ring of the newest verdicts. One thread writes, any may read.
pub struct History {
    slots: [AtomicU64; SLOTS],
    written: AtomicU64,
}

impl History {
    pub const fn new() -> Self {
        Self { slots: [const { AtomicU64::new(0) }; SLOTS], written: AtomicU64::new(0) }
    }

    pub fn push(&self, part: u64, score: Option<f32>, verdict: Verdict) {
        // A score that is not finite is stored like a missing one: neither can be drawn.
        let score = score.filter(|s| s.is_finite()).unwrap_or(f32::NAN).to_bits();
        let part = part & ((1 << PART_BITS) - 1);
        let at = self.written.fetch_add(1, Relaxed) as usize % SLOTS;
        self.slots[at].store(u64::from(score) << 32 | part << 2 | u64::from(verdict.number()), Relaxed);
    }

    /// Returns the verdicts, oldest first. Verdicts that are written meanwhile may be missing.
    pub fn newest(&self) -> Vec<Scored> {
        let end = self.written.load(Relaxed);
        let start = end.saturating_sub(NEWEST as u64);
        (start..end).map(|at| unpack(self.slots[at as usize % SLOTS].load(Relaxed))).collect()
    }
}

impl Default for History {
    fn default() -> Self {
        Self::new()
    }
}

fn unpack(slot: u64) -> Scored {
    let score = f32::from_bits((slot >> 32) as u32);
    let verdict = Verdict::of_number((slot & 3) as u8);
    Scored { part: (slot as u32) >> 2, score: (!score.is_nan()).then_some(score), verdict }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_in_comes_out_in_order() {
        let history = History::new();
        assert!(history.newest().is_empty());
        history.push(1, Some(0.25), Verdict::Pass);
        history.push(2, None, Verdict::Reject);
        history.push(3 + (1 << PART_BITS), Some(0.75), Verdict::Review);
        let scored = |part, score, verdict| Scored { part, score, verdict };
        let expected = [
            scored(1, Some(0.25), Verdict::Pass),
            scored(2, None, Verdict::Reject),
            scored(3, Some(0.75), Verdict::Review),
        ];
        assert_eq!(history.newest(), expected);
    }

    #[test]
    fn the_newest_stay() {
        let history = History::new();
        (0..2000).for_each(|part| history.push(part, Some(1.0), Verdict::Pass));
        let parts: Vec<u32> = history.newest().iter().map(|s| s.part).collect();
        assert_eq!(parts, (2000 - NEWEST as u32..2000).collect::<Vec<_>>());
    }
}
