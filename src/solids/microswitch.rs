//! A microswitch of 4 mm: a black housing that swallows the sensor's light, bright terminals and an actuator.

use fastrand::Rng;

use super::make::{Kind, Lies, Make};
use super::shape::{circle, cut, extruded, rectangle};
use super::solid::{Finish, Solid};
use super::texture::Print;
use super::tolerance::Tolerance;
use crate::procedural::blend::step;
use crate::procedural::noise::{between, field};
use crate::vector::{Vector, turned};

pub const MAKE: Make = Make {
    half_mm: [2.1, 1.7],
    height_mm: 1.75,
    lift_mm: 7.0,
    distance_share: 9.0,
    lies: Lies::InGuides,
    sensor: Kind::StructuredLight,
    noise_share: 0.5,
};

const TOP_MM: f32 = 1.4;
/// Across the housing, the middles of the terminals.
const TERMINALS: [f32; 3] = [-1.35, 0.1, 1.35];
/// Middle and radius of the holes for screws.
const HOLES: [[f32; 2]; 2] = [[-1.45, -0.35], [1.45, -0.35]];
const HOLE_MM: f32 = 0.24;

pub struct Microswitch {
    tolerance: Tolerance,
    terminals: Vec<f32>,
    holes: Vec<[f32; 2]>,
    /// Middle of the actuator.
    button: Option<f32>,
    print_at: [f32; 2],
    print_turn: f32,
}

impl Microswitch {
    pub fn draw(random: &mut Rng) -> Self {
        Self {
            tolerance: Tolerance::draw(random),
            terminals: TERMINALS.to_vec(),
            holes: HOLES.to_vec(),
            button: Some(-0.5),
            print_at: [-1.05 + between(random, -0.1, 0.1), -0.15 + between(random, -0.06, 0.06)],
            print_turn: between(random, -0.03, 0.03),
        }
    }

    fn housing(&self, [x, y, z]: Vector) -> f32 {
        let flat = rectangle([x, y - 0.05], [1.95, 0.95], 0.12);
        let holes = self.holes.iter().map(|at| circle([x - at[0], y - at[1]], HOLE_MM)).fold(f32::MAX, f32::min);
        let top = TOP_MM * self.tolerance.height;
        // A step along the edge, where the cover is joined.
        let step_down = extruded(rectangle([x, y - 0.9], [3.0, 0.3], 0.0), z, top - 0.2, top + 1.0, 0.0);
        cut(cut(extruded(flat, z, 0.0, top, 0.05), holes), step_down)
    }

    fn metal(&self, [x, y, z]: Vector) -> f32 {
        let terminal = |middle: &f32| {
            let blade = extruded(rectangle([x - middle, y + 1.1], [0.22, 0.55], 0.05), z, 0.55, 0.8, 0.03);
            cut(blade, circle([x - middle, y + 1.4], 0.09))
        };
        self.terminals.iter().map(terminal).fold(f32::MAX, f32::min)
    }

    fn actuator(&self, [x, y, z]: Vector) -> f32 {
        let Some(at) = self.button else { return f32::MAX };
        extruded(rectangle([x - at, y - 1.1], [0.35, 0.4], 0.15), z, 0.4, 1.2, 0.1)
    }
}

impl Solid for Microswitch {
    fn distance(&self, p: Vector) -> f32 {
        self.housing(p).min(self.metal(p)).min(self.actuator(p))
    }

    fn finish(&self, p: Vector) -> Finish {
        let [x, y, z] = p;
        let (metal, actuator, housing) = (self.metal(p), self.actuator(p), self.housing(p));
        if metal < actuator.min(housing) {
            let tin = Finish { gloss: 0.45, sharpness: 45.0, ..Finish::metal([0.55, 0.53, 0.48]) };
            return self.tolerance.tinted(tin.times(1.0 + 0.1 * field(self.tolerance.grain, 9.0 * x, 9.0 * y)));
        }
        if actuator < housing {
            return self.tolerance.tinted(Finish::plastic([0.6, 0.16, 0.03]));
        }
        let grain = 1.0 + 0.2 * field(self.tolerance.grain, 14.0 * x, 14.0 * y);
        let black = Finish { gloss: 0.04, sharpness: 14.0, ..Finish::matt([0.03, 0.03, 0.032]) }.times(grain);
        let [u, v] = turned([x - self.print_at[0], y - self.print_at[1]], (-self.print_turn).sin_cos());
        let line = |text, signs, at: f32| Print { text, signs, height_mm: 0.34 }.inside_mm([u, v - at]);
        let ink = line(61, 8, 0.35).max(line(62, 6, -0.15));
        let printed = if z > TOP_MM - 0.1 { step(ink, 0.03) } else { 0.0 };
        self.tolerance.tinted(black.blended(Finish::matt([0.6, 0.6, 0.56]), printed))
    }

    fn misplace(&mut self, random: &mut Rng) {
        let away = if random.bool() { 1.0 } else { -1.0 };
        match random.u8(0..3) {
            0 => self.terminals[1] += away * between(random, 0.25, 0.6),
            1 => self.button = Some(-0.5 + between(random, 0.3, 1.4)),
            _ => self.print_at[1] += away * between(random, 0.25, 0.4),
        }
    }

    fn omit(&mut self, random: &mut Rng) {
        match random.u8(0..3) {
            0 => drop(self.terminals.remove(random.usize(0..TERMINALS.len()))),
            1 => self.button = None,
            _ => drop(self.holes.remove(random.usize(0..HOLES.len()))),
        }
    }
}
