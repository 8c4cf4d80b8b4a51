//! A turned flange with teeth: bore with a keyway, bolt holes, and the lathe's rings.

use fastrand::Rng;

use super::make::{Kind, Lies, Make};
use super::shape::{circle, cut, extruded, rectangle, repeated_about};
use super::solid::{Finish, Solid};
use super::texture::Print;
use super::tolerance::Tolerance;
use crate::procedural::blend::step;
use crate::procedural::noise::{between, field};
use crate::vector::{Vector, turned};

pub const MAKE: Make = Make {
    half_mm: [36.0, 36.0],
    height_mm: 20.0,
    lift_mm: 0.0,
    distance_share: 3.4,
    lies: Lies::Anyhow,
    sensor: Kind::StructuredLight,
    noise_share: 0.35,
};

const TEETH: f32 = 32.0;
const DISC_MM: f32 = 11.0;
const HUB_MM: f32 = 19.0;
const BORE_MM: f32 = 9.0;
/// From the middle to the bolt holes, their radius and their number.
const BOLTS: (f32, f32, usize) = (23.5, 2.9, 6);

pub struct Flange {
    tolerance: Tolerance,
    /// Middles of the bolt holes.
    bolts: Vec<[f32; 2]>,
    has_keyway: bool,
    /// Sine and cosine of the turn that brings the keyway back to where it belongs.
    key_turn: (f32, f32),
}

impl Flange {
    pub fn draw(random: &mut Rng) -> Self {
        let bolts = (0..BOLTS.2).map(|i| bolt(i, 0.0, BOLTS.0)).collect();
        Self { tolerance: Tolerance::draw(random), bolts, has_keyway: true, key_turn: (0.0, 1.0) }
    }

    /// Teeth that become narrower outward.
    fn outline(&self, p: [f32; 2]) -> f32 {
        let disc = circle(p, 31.5);
        if !(-3.0..6.0).contains(&disc) {
            return if disc > 0.0 { disc - 4.2 } else { disc };
        }
        let [x, y] = repeated_about(p, TEETH);
        let tooth = (y.abs() - 2.2 + 0.32 * (x - 31.5)).max(x - 35.6) * 0.95;
        disc.min(tooth.max(30.0 - x))
    }

    fn openings(&self, p: [f32; 2]) -> f32 {
        let bore = circle(p, BORE_MM);
        let key = turned(p, self.key_turn);
        let bore = if self.has_keyway { bore.min(rectangle([key[0] - 9.5, key[1]], [3.0, 2.0], 0.2)) } else { bore };
        let bolt = |at: &[f32; 2]| circle([p[0] - at[0], p[1] - at[1]], BOLTS.1);
        self.bolts.iter().map(bolt).fold(bore, f32::min)
    }
}

impl Solid for Flange {
    fn distance(&self, [x, y, z]: Vector) -> f32 {
        let radius = x.hypot(y);
        let height = self.tolerance.height;
        // A groove in the disc, and a chamfer on the hub.
        let groove = 1.2 * step(1.6 - (radius - 28.5).abs(), 0.8);
        let disc = extruded(self.outline([x, y]), z, 0.0, DISC_MM * height - groove, 0.3);
        let hub = extruded(circle([x, y], 16.0), z, 1.0, HUB_MM * height, 0.2)
            .max((radius + z - HUB_MM * height - 15.0) * 0.7);
        cut(disc.min(hub), self.openings([x, y]))
    }

    fn finish(&self, [x, y, z]: Vector) -> Finish {
        let radius = x.hypot(y);
        let rings = 0.6 * field(self.tolerance.grain, 3.0 * radius, 0.5 * y.atan2(x).abs())
            + 0.4 * field(!self.tolerance.grain, 7.0 * radius, 0.3 * y.atan2(x).abs());
        let steel =
            Finish { gloss: 0.28, sharpness: 26.0, ..Finish::metal([0.3, 0.295, 0.29]) }.times(1.0 + 0.4 * rings);
        let is_face = z > 9.0;
        // The flanks of the teeth are hardened: dark and dull.
        let dark = Finish { gloss: 0.06, ..Finish::matt([0.045, 0.045, 0.055]) };
        let hardened = step(radius - 31.0, 1.2).max(if is_face { 0.0 } else { 0.5 });
        let mark = Print { text: 3, signs: 4, height_mm: 3.0 }.inside_mm([x + 4.5, y - 12.0 + 1.2]);
        let engraved = if z > 15.0 { step(mark, 0.2) } else { 0.0 };
        self.tolerance.tinted(steel.blended(dark, hardened).blended(Finish::matt([0.05; 3]), engraved))
    }

    fn misplace(&mut self, random: &mut Rng) {
        let number = random.usize(0..BOLTS.2);
        match random.u8(0..3) {
            0 => self.bolts[number] = bolt(number, between(random, 0.12, 0.3), BOLTS.0),
            1 => self.bolts[number] = bolt(number, 0.0, BOLTS.0 + between(random, 1.5, 3.5)),
            _ => self.key_turn = between(random, 0.3, std::f32::consts::TAU - 0.3).sin_cos(),
        }
    }

    fn omit(&mut self, random: &mut Rng) {
        match random.u8(0..4) {
            0 => self.has_keyway = false,
            _ => drop(self.bolts.remove(random.usize(0..BOLTS.2))),
        }
    }
}

/// Where a bolt hole is, `turn_rad` further than where it belongs.
fn bolt(number: usize, turn_rad: f32, from_middle: f32) -> [f32; 2] {
    let (sin, cos) = (std::f32::consts::TAU * (number as f32 + 0.5) / BOLTS.2 as f32 + turn_rad).sin_cos();
    [from_middle * cos, from_middle * sin]
}
