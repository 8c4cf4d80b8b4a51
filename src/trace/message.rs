//! What the station's threads tell about a part.

use crate::defects::Kind;
use crate::identity::Identity;
use crate::reject::part::PartOutcome;
use crate::runtime::books::Unjudged;
use crate::score::Verdict;

/// One fact about one part. Times are CLOCK_MONOTONIC nanoseconds.
#[derive(Clone, Copy, Debug)]
pub enum Message {
    Triggered {
        part: u64,
        at_ns: u64,
        recipe: u16,
        identity: Identity,
    },
    Judged(Judged),
    Unjudged {
        part: u64,
        why: Unjudged,
    },
    Settled {
        part: u64,
        at_ns: u64,
        outcome: PartOutcome,
    },
    /// The accept of the part came after its deadline.
    Late {
        part: u64,
    },
    /// Messages about these parts found no room.
    Lost {
        first: u64,
        last: u64,
    },
}

/// How a part was judged.
#[derive(Clone, Copy, Debug)]
pub struct Judged {
    pub part: u64,
    pub captured_ns: u64,
    pub judged_ns: u64,
    pub verdict: Verdict,
    pub score: Option<f32>,
    pub threshold: f32,
    pub review: Option<f32>,
    /// Why the part has no score.
    pub reason: Option<&'static str>,
    pub doubtful: bool,
    pub defects: u32,
    pub worst: Option<Worst>,
    /// SHA-256 of the engine.
    pub engine: [u8; 32],
}

/// The worst defect of a part.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Worst {
    pub kind: Kind,
    /// Pixels of the photograph.
    pub at: [f32; 2],
    pub area_mm2: Option<f32>,
}

impl Message {
    /// The first and the last part that it is about.
    pub fn parts(&self) -> [u64; 2] {
        match *self {
            Self::Triggered { part, .. }
            | Self::Judged(Judged { part, .. })
            | Self::Unjudged { part, .. }
            | Self::Settled { part, .. }
            | Self::Late { part } => [part; 2],
            Self::Lost { first, last } => [first, last],
        }
    }
}
