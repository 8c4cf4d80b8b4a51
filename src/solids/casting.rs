//! A rough casting of free form: lumps that flow into one another, ribs, and two machined bosses.

use fastrand::Rng;

use super::make::{Kind, Lies, Make};
use super::shape::{capsule, circle, cut, extruded, joined, slot, sphere};
use super::solid::{Finish, Solid};
use super::texture::{field_in_space, rough};
use super::tolerance::Tolerance;
use crate::procedural::blend::step;
use crate::procedural::noise::{between, field};
use crate::vector::Vector;

pub const MAKE: Make = Make {
    half_mm: [36.0, 27.0],
    height_mm: 22.0,
    lift_mm: 0.0,
    distance_share: 2.8,
    lies: Lies::Anyhow,
    sensor: Kind::Stereo,
    noise_share: 0.55,
};

/// Middle and radius of the lumps.
const LUMPS: [(Vector, f32); 5] = [
    ([-16.0, 3.0, 5.0], 13.0),
    ([2.0, -9.0, 4.0], 12.0),
    ([17.0, 4.0, 3.0], 11.0),
    ([-4.0, 11.0, 3.0], 10.0),
    ([-25.0, -10.0, 2.0], 8.0),
];
/// How much lower their tops are than those of spheres.
const FLATTER: f32 = 1.15;
/// Middle, radius and height of the bosses, and the radius of their bores.
const BOSSES: [([f32; 2], f32, f32, f32); 2] = [([-15.0, 3.0], 7.5, 19.0, 3.4), ([17.0, 5.0], 6.0, 15.0, 2.6)];

pub struct Casting {
    tolerance: Tolerance,
    bosses: Vec<([f32; 2], f32, f32, f32)>,
    has_rib: bool,
    has_bore: [bool; 2],
}

impl Casting {
    pub fn draw(random: &mut Rng) -> Self {
        Self { tolerance: Tolerance::draw(random), bosses: BOSSES.to_vec(), has_rib: true, has_bore: [true; 2] }
    }

    fn body(&self, p: Vector) -> f32 {
        let flat = [p[0], p[1], FLATTER * p[2] / self.tolerance.height];
        let lumps = LUMPS.iter().map(|(at, radius)| sphere(flat, *at, *radius));
        let body = lumps.reduce(|a, b| joined(a, b, 7.0)).unwrap_or(f32::MAX) / FLATTER;
        // An arm, and the stub of the gate that the metal came in by.
        let arm = capsule(p, [17.0, 4.0, 4.0], [29.0, -14.0, 5.0], 4.8);
        let gate = capsule(p, [2.0, -9.0, 5.0], [6.0, -24.0, 3.5], 3.2);
        let body = joined(joined(body, arm, 5.0), gate, 3.0);
        if !self.has_rib {
            return body;
        }
        let rib = slot([p[0], p[1]], [-2.0, 12.0], [4.0, -14.0], 1.6);
        joined(body, extruded(rib, p[2], 2.0, 16.5, 1.0), 2.5)
    }
}

impl Solid for Casting {
    fn distance(&self, p: Vector) -> f32 {
        let smooth = self.body(p);
        // The skin is uneven by 0.7 mm at most: far from it only the smooth body counts.
        let skin = match smooth.abs() < 1.0 {
            true => {
                0.3 * field_in_space(self.tolerance.grain, p.map(|x| x / 1.3))
                    + 0.4 * field_in_space(11, p.map(|x| x / 9.0))
            }
            false => 0.7,
        };
        let mut body = smooth - skin;
        for ((at, radius, height, bore), has_bore) in self.bosses.iter().zip(self.has_bore) {
            let across = [p[0] - at[0], p[1] - at[1]];
            body = joined(body, extruded(circle(across, *radius), p[2], 2.0, *height, 0.6), 1.6);
            if has_bore {
                body = cut(body, extruded(circle(across, *bore), p[2], *height - 9.0, *height + 5.0, 0.0));
            }
        }
        // It stands on its underside.
        body.max(-p[2])
    }

    fn finish(&self, p: Vector) -> Finish {
        let patches = 0.16 * field_in_space(self.tolerance.grain, p.map(|x| x / 7.0));
        let grit = 0.4 * rough(!self.tolerance.grain, p.map(|x| x / 0.7));
        let cast =
            Finish { gloss: 0.05, sharpness: 8.0, ..Finish::matt([0.2, 0.185, 0.175]) }.times(1.0 + patches + grit);
        let mut finish = cast;
        for (at, radius, height, _) in &self.bosses {
            let [x, y] = [p[0] - at[0], p[1] - at[1]];
            let turned = Finish { gloss: 0.2, sharpness: 30.0, ..Finish::metal([0.42, 0.42, 0.41]) };
            let lines = 1.0 + 0.3 * field(self.tolerance.grain, 2.2 * x.hypot(y), 0.4 * y.atan2(x));
            let face = step((p[2] - height + 0.9).min(radius - x.hypot(y) + 0.3), 0.4);
            finish = finish.blended(turned.times(lines), face);
        }
        self.tolerance.tinted(finish)
    }

    fn misplace(&mut self, random: &mut Rng) {
        let boss = random.usize(0..2);
        let angle = between(random, 0.0, std::f32::consts::TAU);
        let by = MAKE.extent_mm() * between(random, 0.04, 0.1);
        let at = &mut self.bosses[boss].0;
        *at = [at[0] + by * angle.cos(), at[1] + by * angle.sin()];
    }

    fn omit(&mut self, random: &mut Rng) {
        match random.u8(0..4) {
            0 => self.has_rib = false,
            1 => drop(self.bosses.pop()),
            bore => self.has_bore[usize::from(bore - 2)] = false,
        }
    }
}
