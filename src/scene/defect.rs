//! The kinds of defect.

/// What is wrong with a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Defect {
    /// A stain: only colour shows it.
    Colour,
    /// A dent or a bump: only shape shows it.
    Shape,
    /// The colour, or the shape, of another place of the same part: legal there, and wrong beside the other here.
    Mismatch,
    /// A hole: there is no part, hence no point to judge.
    MissingMaterial,
    /// Something that lies on the part, of its own colour and shape.
    ForeignBody,
}

impl Defect {
    /// All kinds.
    pub const ALL: [Self; 5] = [Self::Colour, Self::Shape, Self::Mismatch, Self::MissingMaterial, Self::ForeignBody];

    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Colour => "colour",
            Self::Shape => "shape",
            Self::Mismatch => "mismatch",
            Self::MissingMaterial => "missing_material",
            Self::ForeignBody => "foreign_body",
        }
    }
}
