//! The parts of this family, and how each is made, laid and seen.

use fastrand::Rng;

use super::defect::Defect;
use super::make::Make;
use super::solid::Solid;
use super::{bottle, bracket, casting, clip, flange, insole, microswitch, panel};

/// A kind of part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Stamped, brushed sheet of 1 mm with holes, slots, a bead and a flange; 88 mm.
    Bracket,
    /// A rough casting of free form without symmetry, with two machined bosses; 72 mm.
    Casting,
    /// A turned flange with teeth, a bore with a keyway and bolt holes; 72 mm.
    Flange,
    /// A bottle that lies on its side, with a printed label at a place that varies; 120 mm.
    Bottle,
    /// A microswitch of 4 mm, black and with bright terminals, under a macro camera.
    Microswitch,
    /// A perforated wooden panel of 400 mm with battens, seen from far.
    Panel,
    /// A spring clip of sheet of 0.6 mm, which shines; 30 mm.
    Clip,
    /// A woven insole with a printed sign and perforated toes; 250 mm.
    Insole,
}

crate::words::words!(Part {
    Bracket = "bracket",
    Casting = "casting",
    Flange = "flange",
    Bottle = "bottle",
    Microswitch = "microswitch",
    Panel = "panel",
    Clip = "clip",
    Insole = "insole",
});

impl Part {
    pub fn make(self) -> &'static Make {
        match self {
            Self::Bracket => &bracket::MAKE,
            Self::Casting => &casting::MAKE,
            Self::Flange => &flange::MAKE,
            Self::Bottle => &bottle::MAKE,
            Self::Microswitch => &microswitch::MAKE,
            Self::Panel => &panel::MAKE,
            Self::Clip => &clip::MAKE,
            Self::Insole => &insole::MAKE,
        }
    }

    /// The defects that such a part can have, in the order of [`Defect::ALL`].
    pub fn defects(self) -> impl Iterator<Item = Defect> {
        let never: &[Defect] = match self {
            Self::Bracket | Self::Clip | Self::Microswitch | Self::Flange | Self::Panel | Self::Casting => &[],
            // It is blown: nothing is cut that could leave a burr.
            Self::Bottle => &[Defect::Burr],
            // Cloth and foam do not break, and are not scratched.
            Self::Insole => &[Defect::Scratch, Defect::Crack, Defect::Burr],
        };
        Defect::ALL.into_iter().filter(|defect| !never.contains(defect))
    }

    /// A good one, with all that varies from one to the next.
    pub fn draw(self, random: &mut Rng) -> Box<dyn Solid> {
        match self {
            Self::Bracket => Box::new(bracket::Bracket::draw(random)),
            Self::Casting => Box::new(casting::Casting::draw(random)),
            Self::Flange => Box::new(flange::Flange::draw(random)),
            Self::Bottle => Box::new(bottle::Bottle::draw(random)),
            Self::Microswitch => Box::new(microswitch::Microswitch::draw(random)),
            Self::Panel => Box::new(panel::Panel::draw(random)),
            Self::Clip => Box::new(clip::Clip::draw(random)),
            Self::Insole => Box::new(insole::Insole::draw(random)),
        }
    }
}
