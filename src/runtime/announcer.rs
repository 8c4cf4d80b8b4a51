//! Who announces the parts: the actuator by its edges, or the capture thread by its frames.

use heapless::Vec;

use super::each::{Each, Eye};
use super::finder::Finder;
use super::matching::KEPT_MAX;
use super::part_frame::Trigger;
use super::plan::Announced;
use super::tracker::Sighting;
use crate::camera::CapturedFrame;
use crate::frame::Region;
use crate::prepare::{PartChoice, Preparation, Preparer};
use crate::reject::sender::Sender;

/// A part that is found in frames shows in more frames than this. As many lost in a row may hide one.
const LOST_MAX: u64 = 3;

pub enum Announcer {
    /// Edges at a GPIO input: the actuator announces the part itself.
    Edges,
    /// The frames in which one part at a time is found.
    Frames(Box<Finder>),
    /// The frames in which several parts are found, each followed by its position.
    Each(Box<Each>),
    /// Every frame: the camera is triggered by the part.
    EveryFrame,
}

impl Announcer {
    pub fn new(announced: Announced, preparation: &Preparation) -> Self {
        match announced {
            Announced::ByEdges => Self::Edges,
            Announced::ByEveryFrame => Self::EveryFrame,
            Announced::ByFrames if preparation.part == PartChoice::Each => {
                Self::Each(Box::new(Each::new(eye(preparation.clone()))))
            }
            Announced::ByFrames => Self::Frames(Box::new(Finder::new(None, preparation))),
        }
    }

    /// Announces the parts that a new frame shows.
    pub fn look(&mut self, captured: &CapturedFrame, sender: &mut Sender) {
        let at_ns = match self {
            Self::Edges => None,
            Self::Frames(finder) => finder.look(&captured.frame, captured.captured_ns),
            Self::Each(each) => return each.look(captured, sender),
            Self::EveryFrame => Some(captured.captured_ns),
        };
        if let Some(at_ns) = at_ns {
            sender.trigger(at_ns);
        }
    }

    /// Announces the parts that are in view after the last frame.
    pub fn finish(&mut self, sender: &mut Sender) {
        match self {
            Self::Frames(finder) => {
                if let Some(at_ns) = finder.finish() {
                    sender.trigger(at_ns);
                }
            }
            Self::Each(each) => each.finish(sender),
            Self::Edges | Self::EveryFrame => {}
        }
    }

    /// The trigger of a part that the actuator has numbered, with the part's position. None where a frame shows several parts and it is not known
    /// which of them this is: the part is not judged.
    pub fn locate(&mut self, trigger: Trigger) -> Option<Trigger> {
        let at = match self {
            Self::Each(each) => Some(each.position(trigger.part, trigger.at_ns)?),
            Self::Edges | Self::Frames(_) | Self::EveryFrame => None,
        };
        Some(Trigger { at, ..trigger })
    }

    /// When the frames were captured that are kept for parts which the actuator has not numbered yet.
    pub fn kept_ns(&self) -> Vec<u64, KEPT_MAX> {
        match self {
            Self::Frames(finder) => finder.kept_ns().into_iter().collect(),
            Self::Each(each) => each.kept_ns().take(KEPT_MAX).collect(),
            Self::Edges | Self::EveryFrame => Vec::new(),
        }
    }

    /// Whether several parts may need the same frame, which is copied for each of them.
    pub fn shares_frames(&self) -> bool {
        matches!(self, Self::Each(_))
    }

    /// Whether a part may have gone by unseen in `lost` frames.
    pub fn may_miss(&self, lost: u64) -> bool {
        match self {
            Self::Edges => false,
            Self::Frames(_) | Self::Each(_) => lost >= LOST_MAX,
            Self::EveryFrame => lost > 0,
        }
    }
}

/// Finds every part of a frame. A frame that cannot be cropped shows none: its parts are seen in the frames before and
/// after it, or are rejected.
fn eye(preparation: Preparation) -> Eye {
    let mut preparer = Preparer::default();
    Box::new(move |frame, see| {
        let seen = preparer.each(frame, &preparation, &mut |[x, y], component| {
            see(Sighting { at: [x, y], points: component.points, cut: component.touches_edge });
        });
        seen.unwrap_or(Region::whole(frame))
    })
}
