//! How parts of one kind are made, laid and seen.

use crate::vector::Vector;

/// How depth is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A projector beside the camera: nothing is measured in its shadow, on what swallows its light, and where its image
    /// is mirrored into the camera.
    StructuredLight,
    /// Two cameras that compare windows: nothing is measured where only one sees, at depth edges, and without texture.
    Stereo,
    /// Light that is timed: points between near and far at edges, and more noise where little comes back.
    TimeOfFlight,
}

/// Pixels on a side of the frames, which depth noise is measured by.
pub const SIDE: usize = 400;

/// How parts lie on the plate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lies {
    /// Guides hold them: a place within 1 % of the extent, and 1.5 degrees.
    InGuides,
    /// Turned by any angle.
    Anyhow,
}

/// What all parts of a kind, and all stations for them, have in common.
#[derive(Debug)]
pub struct Make {
    /// How far parts reach from their middle along x and y, millimetres.
    pub half_mm: [f32; 2],
    /// How high they reach over their underside.
    pub height_mm: f32,
    /// Of the underside over the plate: parts that are thinner than the band that counts as belt lie on pins.
    pub lift_mm: f32,
    /// Where the camera stands: its distance over the width of what it sees.
    pub distance_share: f32,
    pub lies: Lies,
    pub sensor: Kind,
    /// Depth noise over what a pixel of 400 covers, in the middle of the range of stations.
    pub noise_share: f32,
}

/// Beyond the part: what warps, burrs and foreign bodies may add, as a share of the extent.
const MARGIN_SHARE: f32 = 0.09;
/// Half the frame's width over what the part needs of it.
const ROOM: f32 = 1.2;

/// Parts that lie anyhow are long or round: their corners reach little further than their ends.
const CORNERS: f32 = 1.06;

impl Make {
    /// The largest side of a part, which defects are measured by.
    pub fn extent_mm(&self) -> f32 {
        2.0 * self.half_mm[0].max(self.half_mm[1])
    }

    /// Least and largest corner of what holds a part with any defect, in its own frame.
    pub fn bounds(&self) -> (Vector, Vector) {
        let margin = MARGIN_SHARE * self.extent_mm();
        let [x, y] = self.half_mm.map(|half| half + margin);
        ([-x, -y, -margin.min(self.lift_mm)], [x, y, self.height_mm + margin])
    }

    /// The width of what the camera sees at half the part's height, millimetres.
    pub fn field_mm(&self) -> f32 {
        let [x, y] = self.half_mm;
        let reach = match self.lies {
            Lies::InGuides => x.max(y) + 0.15 * x.min(y),
            Lies::Anyhow => CORNERS * x.max(y),
        };
        2.0 * ROOM * reach
    }

    pub fn distance_mm(&self) -> f32 {
        self.distance_share * self.field_mm()
    }
}
