//! One part with the defect that it may have.

use super::flaw::Flaw;
use super::parts::SoundPiece;
use super::surface::Surface;

/// A part as it lies on the belt, sound or with a flaw.
#[derive(Clone, Debug)]
pub struct Piece {
    sound: SoundPiece,
    flaw: Option<Flaw>,
}

impl From<SoundPiece> for Piece {
    fn from(sound: SoundPiece) -> Self {
        Self { sound, flaw: None }
    }
}

impl Piece {
    pub fn with_flaw(sound: SoundPiece, flaw: Flaw) -> Self {
        Self { sound, flaw: Some(flaw) }
    }

    /// The surface at a place in millimetres from the middle; none beside the part.
    pub fn surface(&self, at: [f32; 2]) -> Option<Surface> {
        match &self.flaw {
            None => self.sound.surface(at),
            Some(flaw) => flaw.change(at, |at| self.sound.surface(at)),
        }
    }
}
