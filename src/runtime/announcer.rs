//! What announces parts, as far as the capture has to do with it.

use heapless::Vec;

use super::each::{Each, Eye};
use super::finder::Finder;
use super::matching::{KEPT_MAX, Trigger};
use super::plan::Announced;
use super::tracker::Seen;
use crate::camera::CapturedFrame;
use crate::frame::Region;
use crate::prepare::{PartChoice, Preparation, Preparer};
use crate::reject::sender::Sender;

/// A part that is found in frames must show in more of them than this: so many lost in a row may hide one.
const LOST_MAX: u64 = 3;

pub enum Announcer {
    /// Edges at a GPIO input: the actuator announces the part itself.
    Edges,
    /// The part in the frame.
    Frames(Box<Finder>),
    /// Each of the parts in the frame.
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

    /// Announces the parts of which a new frame tells.
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

    /// After the last frame: announces what is in view.
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

    /// A part that the line has numbered; none for one of several in a frame of which it is not known which it is: nothing
    /// judges it.
    pub fn trigger(&mut self, part: u64, at_ns: u64) -> Option<Trigger> {
        let at = match self {
            Self::Each(each) => Some(each.position(part, at_ns)?),
            Self::Edges | Self::Frames(_) | Self::EveryFrame => None,
        };
        Some(Trigger { part, at_ns, at })
    }

    /// When the frames were captured that parts may need of which the line has not told yet.
    pub fn kept_ns(&self) -> Vec<u64, KEPT_MAX> {
        match self {
            Self::Frames(finder) => finder.kept_ns().into_iter().collect(),
            Self::Each(each) => each.kept_ns().take(KEPT_MAX).collect(),
            Self::Edges | Self::EveryFrame => Vec::new(),
        }
    }

    /// Whether parts share frames, so that they are copied.
    pub fn shares_frames(&self) -> bool {
        matches!(self, Self::Each(_))
    }

    /// Whether a part may have gone by unseen in so many frames.
    pub fn may_miss(&self, lost: u64) -> bool {
        match self {
            Self::Edges => false,
            Self::Frames(_) | Self::Each(_) => lost >= LOST_MAX,
            Self::EveryFrame => lost > 0,
        }
    }
}

/// Sees every part that is prepared by itself. A frame that cannot be cropped shows none: its parts are those of frames
/// before and after it, which are rejected where they were not seen.
fn eye(preparation: Preparation) -> Eye {
    let mut preparer = Preparer::default();
    Box::new(move |frame, see| {
        let seen = preparer.each(frame, &preparation, &mut |[x, y], component| {
            see(Seen { at: [x, y], points: component.points, cut: component.touches_edge });
        });
        seen.unwrap_or(Region::whole(frame))
    })
}
