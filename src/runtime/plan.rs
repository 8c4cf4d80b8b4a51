//! How the threads of a station work.

use super::recorder::RecorderOptions;
use crate::camera::supervisor::Patience;

/// How the threads of a station work. Times are whole nanoseconds.
#[derive(Clone, Debug, PartialEq)]
pub struct RuntimePlan {
    /// How long a silent or lost camera is waited for.
    pub patience: Patience,
    pub announced: Announced,
    /// From a trigger to the moment at which its part is in the picture; negative where the picture comes first.
    pub frame_offset_ns: i64,
    /// A frame that was captured further from that moment does not show the part.
    pub frame_window_ns: u64,
    pub recording: Option<Recording>,
    pub timing: Timing,
    /// How long after its trigger a part has passed the ejector at the latest.
    pub passage_ns_max: u64,
}

/// What comes too late, nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Timing {
    /// How long after a part's trigger its verdict still counts. None where the encoder counts it.
    pub deadline_ns: Option<u64>,
    /// A camera that is silent for longer is taken for lost: the station gives no sign of life without it.
    pub frame_timeout_ns: u64,
}

impl Timing {
    /// Whether the deadline of a part is over, so that its reject is certain: the next part is worth more.
    pub fn is_late(&self, triggered_ns: u64, now_ns: u64) -> bool {
        self.deadline_ns.is_some_and(|deadline_ns| now_ns > triggered_ns + deadline_ns)
    }
}

/// What announces parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Announced {
    /// Edges at a GPIO input: a photo-eye's, or the encoder's.
    ByEdges,
    /// The frames in which the part is found.
    ByFrames,
    /// Every frame is a part: the part triggers the camera.
    ByEveryFrame,
}

/// Which parts are recorded, and where.
#[derive(Clone, Debug, PartialEq)]
pub struct Recording {
    pub recorder: RecorderOptions,
    /// Share of passed parts that are kept, 0 to 1.
    pub pass_share: f64,
    /// Parts that may wait to be written.
    pub waiting_max: usize,
}
