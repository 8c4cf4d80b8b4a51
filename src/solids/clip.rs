//! A spring clip: thin sheet, bent and bright, so that the sensor is blinded in places.

use fastrand::Rng;

use super::make::{Kind, Lies, Make};
use super::shape::{circle, cut, extruded, rectangle, slot};
use super::solid::{Finish, Solid};
use super::texture::brushed;
use super::tolerance::Tolerance;
use crate::procedural::blend::step;
use crate::procedural::noise::{between, field};
use crate::vector::Vector;

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
/// Of the arch: where its top is, its height, and how fast it falls off.
const ARCH_MM: [f32; 3] = [3.0, 6.2, 4.0];
/// Nothing on the sheet is steeper: the length of its slope over the way along it.
const STEEPEST: f32 = 1.75;
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

    /// Height of the middle of the sheet, and its slope: an arch, and a tongue that turns up.
    fn profile(&self, x: f32) -> (f32, f32) {
        let [top, height, width] = ARCH_MM;
        let (off, beyond) = ((x - top) / width, (x - 9.5).max(0.0));
        let arch = height * self.tolerance.height * (-off * off).exp();
        (0.5 + arch + 0.09 * beyond * beyond, -2.0 * off / width * arch + 0.18 * beyond)
    }

    fn openings(&self, [x, y]: [f32; 2]) -> f32 {
        let hole = self.hole.map_or(f32::MAX, |at| circle([x - at[0], y - at[1]], HOLE_MM));
        let along = self.slot.map_or(f32::MAX, |[from, to]| slot([x, y], [from, 0.6], [to, 0.6], 1.1));
        hole.min(along)
    }
}

impl Solid for Clip {
    fn distance(&self, [x, y, z]: Vector) -> f32 {
        let (middle, slope) = self.profile(x);
        let sheet = ((z - middle).abs() - 0.5 * SHEET_MM * slope.hypot(1.0)) / STEEPEST;
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
