//! What kind of defect it is.

use crate::model::Score;

/// The kinds that can be told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// A colour that good parts do not have there.
    Colour,
    /// A shape that good parts do not have there.
    Shape,
    /// A colour and a shape that do not belong together.
    Mismatch,
    /// No material where good parts have some.
    Missing,
    /// Material where good parts have none.
    Excess,
    /// The distances do not tell: the engine was fitted by a version that did not learn how they compare on good parts.
    Unknown,
}

crate::words::words!(serde Kind {
    Colour = "colour",
    Shape = "shape",
    Mismatch = "mismatch",
    Missing = "missing",
    Excess = "excess",
    Unknown = "unknown",
});

/// What is learnt of good parts, by which colour is told from shape.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Balance {
    pub score: Score,
    /// [`crate::model::engine_file::Metadata::balance`].
    pub good: Option<f32>,
}

impl Balance {
    /// Up to the first value of what the distances of colour have grown more than those of shape, as a natural logarithm, it
    /// is a defect of shape, and from the second on one of colour. Found on relief parts (docs/results.md).
    fn ends(self) -> [f32; 2] {
        match self.score {
            Score::Product => [-0.2, -0.1],
            Score::Likelihood => [-0.3, 0.0],
        }
    }

    /// By the sums of both distances over an area.
    pub fn kind(self, psi_rgb: f64, psi_xyz: f64) -> Kind {
        let Some(good) = self.good else { return Kind::Unknown };
        let more = (psi_rgb / psi_xyz).ln() as f32 - good;
        let [shape, colour] = self.ends();
        match more {
            _ if more.is_nan() => Kind::Unknown,
            _ if more >= colour => Kind::Colour,
            _ if more <= shape => Kind::Shape,
            _ => Kind::Mismatch,
        }
    }
}
