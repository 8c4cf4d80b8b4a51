//! A stamped bracket: brushed sheet on pins, with a flange, a bead, holes, slots and an etched number.

use fastrand::Rng;

use super::make::{Kind, Lies, Make};
use super::shape::{circle, cut, extruded, rectangle, slot};
use super::solid::{Finish, Solid};
use super::texture::{Print, brushed};
use super::tolerance::Tolerance;
use crate::procedural::blend::step;
use crate::procedural::noise::between;
use crate::vector::Vector;

pub const MAKE: Make = Make {
    half_mm: [44.0, 28.0],
    height_mm: 12.0,
    lift_mm: 9.0,
    distance_share: 3.0,
    lies: Lies::InGuides,
    sensor: Kind::StructuredLight,
    noise_share: 0.4,
};

const SHEET_MM: f32 = 1.0;
/// Middle and radius of the round holes.
const HOLES: [([f32; 2], f32); 5] =
    [([-36.0, 18.0], 3.3), ([36.0, 18.0], 3.3), ([-36.0, -15.0], 3.3), ([22.0, 4.0], 8.5), ([37.0, -13.0], 2.2)];
/// Ends of the slots.
const SLOTS: [([f32; 2], [f32; 2]); 2] = [([-30.0, 6.0], [-14.0, 6.0]), ([6.0, -12.0], [6.0, -4.0])];
const SLOT_MM: f32 = 2.4;

pub struct Bracket {
    tolerance: Tolerance,
    holes: Vec<([f32; 2], f32)>,
    slots: Vec<([f32; 2], [f32; 2])>,
    number: u32,
}

impl Bracket {
    pub fn draw(random: &mut Rng) -> Self {
        let tolerance = Tolerance::draw(random);
        Self { tolerance, holes: HOLES.to_vec(), slots: SLOTS.to_vec(), number: random.u32(..) }
    }

    /// The sheet from above, without its holes.
    fn outline(&self, [x, y]: [f32; 2]) -> f32 {
        let plate = rectangle([x, y], [43.0, 27.0], 6.0);
        // A notch, so that it cannot be put in the wrong way round.
        cut(plate, rectangle([x + 20.0, y - 28.0], [7.0, 5.0], 2.0))
    }

    fn openings(&self, p: [f32; 2]) -> f32 {
        let holes = self.holes.iter().map(|(at, radius)| circle([p[0] - at[0], p[1] - at[1]], *radius));
        let slots = self.slots.iter().map(|(a, b)| slot(p, *a, *b, SLOT_MM));
        holes.chain(slots).fold(f32::MAX, f32::min)
    }

    /// Height of the bead over the sheet.
    fn bead_mm(&self, p: [f32; 2]) -> f32 {
        1.8 * self.tolerance.height * step(2.2 - slot(p, [-34.0, -6.0], [-6.0, -6.0], 0.2), 3.0)
    }
}

impl Solid for Bracket {
    fn distance(&self, [x, y, z]: Vector) -> f32 {
        let flat = cut(self.outline([x, y]), self.openings([x, y]));
        let sheet = extruded(flat, z - self.bead_mm([x, y]), 0.0, SHEET_MM, 0.15);
        let flange =
            extruded(rectangle([y + 26.5, z - 5.5], [0.5, 6.0 * self.tolerance.height], 0.2), x, -30.0, 24.0, 0.2);
        sheet.min(flange)
    }

    fn finish(&self, [x, y, z]: Vector) -> Finish {
        let lines = brushed(self.tolerance.grain, [x, y]);
        let steel =
            Finish { gloss: 0.22, sharpness: 22.0, ..Finish::metal([0.36, 0.37, 0.39]) }.times(1.0 + 0.16 * lines);
        let number = Print { text: 7, signs: 5, height_mm: 5.0 }.inside_mm([x - 4.0, y - 17.0]);
        let serial = Print { text: self.number, signs: 4, height_mm: 3.2 }.inside_mm([x - 12.0, y + 20.0]);
        let etched = if z > 0.5 * SHEET_MM { step(number.max(serial), 0.25) } else { 0.0 };
        self.tolerance.tinted(steel.blended(Finish::matt([0.07, 0.07, 0.08]), etched))
    }

    fn misplace(&mut self, random: &mut Rng) {
        let away = if random.bool() { 1.0 } else { -1.0 };
        let by = away * MAKE.extent_mm() * between(random, 0.03, 0.09);
        // Towards the middle of the sheet or along it: no opening leaves it.
        match random.usize(0..4) {
            0 => self.holes[0].0 = [-36.0 + by.abs(), 18.0 - 0.4 * by.abs()],
            1 => self.holes[1].0 = [36.0 - by.abs(), 18.0 - 0.2 * by.abs()],
            2 => self.slots[0] = ([-30.0, 6.0 + by.abs()], [-14.0, 6.0 + by.abs()]),
            _ => self.slots[1] = ([6.0 + by, -12.0], [6.0 + by, -4.0]),
        }
    }

    fn omit(&mut self, random: &mut Rng) {
        match random.usize(0..HOLES.len() + SLOTS.len()) {
            hole if hole < HOLES.len() => drop(self.holes.remove(hole)),
            slot => drop(self.slots.remove(slot - HOLES.len())),
        }
    }
}
