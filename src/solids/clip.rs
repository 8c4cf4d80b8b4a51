//! A spring clip: thin sheet, bent and bright, so that the sensor is blinded in places.

use fastrand::Rng;

use super::make::{Kind, Lies, Make};
use super::shape::{circle, cut, extruded, rectangle, slot};
use super::solid::{Finish, Solid};
use super::texture::brushed;
use super::tolerance::Tolerance;
use crate::procedural::blend::step;
use crate::procedural::noise::{between, field};
use crate::procedural::vector::Vector;

pub const MAKE: Make = Make {
    half_mm: [16.0, 7.0],
    height_mm: 8.0,
    lift_mm: 8.0,
    distance_share: 4.0,
    lies: Lies::Anyhow,
    sensor: Kind::StructuredLight,
    noise_share: 0.35,
};

const SHEET_MM: f32 = 0.6;
/// The middle of the sheet from the side: along, and up.
const PROFILE: [[f32; 2]; 15] = [
    [-15.0, 0.8],
    [-6.0, 0.4],
    [-4.0, 0.8],
    [-2.6, 2.0],
    [-1.2, 3.9],
    [0.2, 5.5],
    [1.8, 6.5],
    [3.4, 6.7],
    [5.0, 6.1],
    [6.6, 4.6],
    [7.9, 2.7],
    [9.0, 1.6],
    [10.4, 1.2],
    [12.4, 1.6],
    [14.6, 2.6],
];
const HOLE_MM: f32 = 2.1;

pub struct Clip {
    tolerance: Tolerance,
    /// Middle of the hole.
    hole: Option<[f32; 2]>,
    /// From where to where a slot goes along the arch.
    slot: Option<[f32; 2]>,
}

impl Clip {
    pub fn draw(random: &mut Rng) -> Self {
        Self { tolerance: Tolerance::draw(random), hole: Some([-10.5, 0.0]), slot: Some([2.0, 7.0]) }
    }

    /// From above: a shoe, a waist and a tongue, no two alike.
    fn outline(&self, [x, y]: [f32; 2]) -> f32 {
        let shoe = rectangle([x + 10.0, y], [5.6, 6.4], 1.5);
        let arch = rectangle([x - 2.0, y - 0.6], [9.0, 4.2], 0.5);
        let tongue = rectangle([x - 11.5, y - 0.6], [4.0, 2.6], 1.0);
        shoe.min(arch).min(tongue)
    }

    fn openings(&self, [x, y]: [f32; 2]) -> f32 {
        let hole = self.hole.map_or(f32::MAX, |at| circle([x - at[0], y - at[1]], HOLE_MM));
        let along = self.slot.map_or(f32::MAX, |[from, to]| slot([x, y], [from, 0.6], [to, 0.6], 1.1));
        hole.min(along)
    }
}

impl Solid for Clip {
    fn distance(&self, [x, y, z]: Vector) -> f32 {
        let side = [x, z / self.tolerance.height];
        let from_middle = PROFILE.windows(2).map(|ends| slot(side, ends[0], ends[1], 0.0)).fold(f32::MAX, f32::min);
        let sheet = from_middle - 0.5 * SHEET_MM;
        let plan = cut(self.outline([x, y]), self.openings([x, y]));
        extruded(plan, sheet, -10.0, 0.0, 0.1).max(plan.max(sheet))
    }

    fn finish(&self, [x, y, _]: Vector) -> Finish {
        let lines = brushed(self.tolerance.grain, [4.0 * x, 4.0 * y]);
        let steel =
            Finish { gloss: 0.5, sharpness: 60.0, ..Finish::metal([0.33, 0.34, 0.37]) }.times(1.0 + 0.14 * lines);
        // Blue from the heat of tempering, along the arch.
        let heat = step(3.5 - (x - 3.0).abs() + 1.5 * field(self.tolerance.grain, x / 3.0, y / 3.0), 3.0);
        let blue = Finish { albedo: [0.12, 0.15, 0.34], ..steel };
        self.tolerance.tinted(steel.blended(blue, 0.6 * heat))
    }

    fn misplace(&mut self, random: &mut Rng) {
        let sign = if random.bool() { 1.0 } else { -1.0 };
        match random.u8(0..3) {
            0 => self.hole = Some([-10.5 + sign * between(random, 1.0, 2.0), 0.0]),
            1 => self.hole = Some([-10.5, sign * between(random, 1.0, 3.0)]),
            _ => self.slot = Some([2.0, 7.0].map(|x| x - between(random, 2.0, 4.0))),
        }
    }

    fn omit(&mut self, random: &mut Rng) {
        match random.bool() {
            true => self.hole = None,
            false => self.slot = None,
        }
    }
}
