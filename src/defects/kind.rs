//! What kind of defect it is.

/// The kinds that can be told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
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

/// From this much more of the distance of colour on than on good parts, as a natural logarithm, it is a defect of colour.
/// Found on relief parts (docs/results.md).
const COLOUR_MIN: f32 = 0.35;
/// The same of shape.
const SHAPE_MIN: f32 = 0.35;

impl Kind {
    /// By the sums of both distances over an area, and by the logarithm of their ratio on good parts.
    pub fn of_distances(psi_rgb: f64, psi_xyz: f64, balance: Option<f32>) -> Self {
        let Some(balance) = balance else { return Self::Unknown };
        let more = (psi_rgb / psi_xyz).ln() as f32 - balance;
        match more {
            _ if more.is_nan() => Self::Unknown,
            _ if more > COLOUR_MIN => Self::Colour,
            _ if more < -SHAPE_MIN => Self::Shape,
            _ => Self::Mismatch,
        }
    }
}
