//! What the families of procedural parts share: random numbers, fields, and the form of their samples.

pub(crate) mod blend;
pub(crate) mod noise;
pub(crate) mod placement;

use crate::frame::RgbdFrame;

/// How parts are made up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// Height fields on a belt: [`scene`](crate::scene).
    Reliefs,
    /// Bodies in space: [`solids`](crate::solids).
    Solids,
}

crate::words::words!(Family {
    Reliefs = "reliefs",
    Solids = "solids",
});

/// One frame, and what only a procedural scene knows about it. `D` is the family's kind of defect.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample<D> {
    /// Colour and points.
    pub frame: RgbdFrame,
    /// Pixels whose colour or depth the defect changes, noise aside: `[height, width]`.
    pub ground_truth: Vec<bool>,
    /// Pixels on the part, `[height, width]`.
    pub part_mask: Vec<bool>,
    /// What is wrong with the part; none on a good one.
    pub defect: Option<D>,
}
