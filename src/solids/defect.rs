//! The kinds of defect.

/// What is wrong with a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Defect {
    /// A thin line, shallow and of another colour.
    Scratch,
    /// A hollow: only shape shows it.
    Dent,
    /// A swelling: only shape shows it.
    Bump,
    /// One end of the part is bent.
    Warp,
    /// A jagged slit, dark and deep.
    Crack,
    /// Paint or material of another colour: only colour shows it.
    WrongColour,
    /// A feature of the part, whole but at a wrong place: each place is legal, and not beside the others.
    Misplaced,
    /// A feature of the part is not there.
    MissingFeature,
    /// Broken off or burnt through.
    MissingMaterial,
    /// Thin material that sticks out at an edge.
    Burr,
    /// Something that lies on the part.
    ForeignBody,
    /// A film of oil, dust or glue: a little of its colour, and another gloss.
    Contamination,
}

crate::words::words!(Defect {
    Scratch = "scratch",
    Dent = "dent",
    Bump = "bump",
    Warp = "warp",
    Crack = "crack",
    WrongColour = "wrong_colour",
    Misplaced = "misplaced",
    MissingFeature = "missing_feature",
    MissingMaterial = "missing_material",
    Burr = "burr",
    ForeignBody = "foreign_body",
    Contamination = "contamination",
});
