//! A frame on its way through the station, with the part that it shows.

use std::sync::Arc;

use super::judge::Judge;
use crate::camera::CapturedFrame;
use crate::identity::Identity;
use crate::inspect::Inspection;

/// A part was announced.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Trigger {
    pub part: u64,
    pub at_ns: u64,
    /// Where the part is in the frame that was captured at `at_ns`, right and down in pixels of the photograph; that
    /// frame may show others. None for a part that has a frame of its own.
    pub at: Option<[f32; 2]>,
    /// The recipe under which it was announced.
    pub recipe: u16,
    pub identity: Identity,
}

/// A frame with the part that it shows and the inspection of it. A fixed number is made at the start, which go round:
/// camera, inspection, recorder, and back.
pub struct PartFrame {
    pub captured: CapturedFrame,
    /// The part's number, set when a part takes the frame.
    pub part: u64,
    pub triggered_ns: u64,
    /// The recipe under which the part was announced.
    pub recipe: u16,
    pub identity: Identity,
    /// Where the part is, right and down in pixels of the photograph. None where the frame shows no other part.
    pub at: Option<[f32; 2]>,
    /// When the part was judged.
    pub judged_ns: u64,
    pub inspection: Inspection,
    /// What it was judged by.
    pub judge: Option<Arc<Judge>>,
}

impl PartFrame {
    pub fn empty() -> Box<Self> {
        Box::new(Self {
            captured: CapturedFrame::empty(),
            part: 0,
            triggered_ns: 0,
            recipe: 0,
            identity: Identity::default(),
            at: None,
            judged_ns: 0,
            inspection: Inspection::default(),
            judge: None,
        })
    }

    /// Makes the frame that of a part.
    pub fn belongs_to(&mut self, trigger: &Trigger) {
        let Trigger { part, at_ns, at, recipe, ref identity } = *trigger;
        (self.part, self.triggered_ns, self.at, self.recipe) = (part, at_ns, at, recipe);
        self.identity.clone_from(identity);
    }

    /// The score above which the part is rejected, once it was judged.
    pub fn threshold(&self) -> Option<f32> {
        self.judge.as_ref().map(|judge| judge.thresholds.reject)
    }

    /// Allocates all the memory that frames like `other` and their inspections need.
    pub fn be_as_large_as(&mut self, other: &Self) {
        self.captured = other.captured.clone();
        self.inspection = other.inspection.clone();
    }
}
