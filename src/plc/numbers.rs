//! What the numbers in the registers stand for.

use crate::defects::Kind;
use crate::reject::fault::Fault;

/// The bits of the status register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    Ready,
    Fault,
    Held,
    Recording,
    RecipeChange,
    ReviewBand,
}

impl Status {
    /// In the order of their bits.
    pub const ALL: [Self; 6] =
        [Self::Ready, Self::Fault, Self::Held, Self::Recording, Self::RecipeChange, Self::ReviewBand];

    pub fn bit(self) -> u16 {
        1 << self as u16
    }

    /// What it says while it is 1.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Ready => "The station judges parts: no fault holds the output at reject, and frames are inspected",
            Self::Fault => "A fault needs a person, as at the fault output",
            Self::Held => "The output is held at reject by a fault, by a flush, or by whoever asked for it",
            Self::Recording => "`[record]` is configured, and parts can be written",
            Self::RecipeChange => "A recipe change of this PLC is under way, or the belt is flushed for one",
            Self::ReviewBand => "There is a review band",
        }
    }
}

/// What became of the last command.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CommandResult {
    #[default]
    None,
    Done,
    Refused,
    /// The station has not answered yet.
    Busy,
}

impl CommandResult {
    /// In the order of their numbers.
    pub const ALL: [Self; 4] = [Self::None, Self::Done, Self::Refused, Self::Busy];

    pub fn meaning(self) -> &'static str {
        match self {
            Self::None => "No command since the start of the station",
            Self::Done => "Done; of a recipe: it takes over, and bit 4 of the status tells when the belt is flushed",
            Self::Refused => "Refused: register 31 has the reason",
            Self::Busy => "Under way",
        }
    }
}

/// Why the last command was refused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reason {
    #[default]
    None,
    NotPermitted,
    NoRecipe,
    RecipeRefused,
    Busy,
    WrongIdentity,
    TooManyIdentities,
    Stopping,
}

impl Reason {
    /// In the order of their numbers.
    pub const ALL: [Self; 8] = [
        Self::None,
        Self::NotPermitted,
        Self::NoRecipe,
        Self::RecipeRefused,
        Self::Busy,
        Self::WrongIdentity,
        Self::TooManyIdentities,
        Self::Stopping,
    ];

    pub fn meaning(self) -> &'static str {
        match self {
            Self::None => "Not refused",
            Self::NotPermitted => "Writes are not permitted: `plc.writes` is false",
            Self::NoRecipe => "The configuration has no recipe of this number",
            Self::RecipeRefused => "The recipe's engine, its check frames or its camera failed: the log has the error",
            Self::Busy => "A recipe change is under way, or the station has too many requests: write it again",
            Self::WrongIdentity => "The identity is not 1 to 16 printable ASCII characters followed by zeros",
            Self::TooManyIdentities => "identities come faster than the station takes them",
            Self::Stopping => "The station is stopping",
        }
    }
}

/// The number of a kind of defect.
pub fn kind(kind: Kind) -> u16 {
    match kind {
        Kind::Unknown => 0,
        Kind::Colour => 1,
        Kind::Shape => 2,
        Kind::Mismatch => 3,
        Kind::Missing => 4,
        Kind::Excess => 5,
    }
}

/// The number of a fault: its place in the table of faults, from 1 on.
pub fn fault(fault: Fault) -> u16 {
    fault as u16 + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_places_in_their_lists() {
        assert!(Status::ALL.iter().enumerate().all(|(i, status)| status.bit() == 1 << i));
        assert!(CommandResult::ALL.iter().enumerate().all(|(i, result)| *result as usize == i));
        assert!(Reason::ALL.iter().enumerate().all(|(i, reason)| *reason as usize == i));
    }
}
