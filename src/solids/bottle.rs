//! A bottle that lies on its side: a label whose place and turn vary, a code, and a ribbed cap.

use fastrand::Rng;

use super::make::{Kind, Lies, Make};
use super::shape::{joined, rectangle};
use super::solid::{Finish, Solid};
use super::texture::{Print, is_bar};
use super::tolerance::Tolerance;
use crate::procedural::blend::step;
use crate::procedural::noise::{between, field, normal};
use crate::vector::{Vector, turned};

pub const MAKE: Make = Make {
    half_mm: [60.0, 21.0],
    height_mm: 36.0,
    lift_mm: 0.0,
    distance_share: 3.2,
    lies: Lies::InGuides,
    sensor: Kind::TimeOfFlight,
    noise_share: 0.7,
};

/// Of the body: its radius across, and how much lower than wide it is.
const BODY_MM: f32 = 20.0;
const FLATNESS: f32 = 1.15;
/// Where along the bottle its axis is, over the plate.
const AXIS_MM: f32 = BODY_MM / FLATNESS;
/// Half sides of the label, along the bottle and around it.
const LABEL_MM: [f32; 2] = [23.0, 17.0];

pub struct Bottle {
    tolerance: Tolerance,
    /// Middle of the label, along and around, and its turn.
    label_at: [f32; 2],
    label_turn: f32,
    has_label: bool,
    has_ring: bool,
    code: u32,
    code_at: f32,
}

impl Bottle {
    pub fn draw(random: &mut Rng) -> Self {
        Self {
            tolerance: Tolerance::draw(random),
            label_at: [-16.0 + 1.5 * normal(random).clamp(-2.0, 2.0), 2.5 * normal(random).clamp(-2.0, 2.0)],
            label_turn: 0.025 * normal(random).clamp(-2.0, 2.0),
            has_label: true,
            has_ring: true,
            code: random.u32(..),
            code_at: between(random, -3.0, 3.0),
        }
    }

    /// Radius of the bottle along its axis.
    fn radius_mm(&self, x: f32) -> f32 {
        // Shoulder from the body to the neck.
        let shoulder = step(x - 26.0, 22.0);
        BODY_MM - 11.5 * shoulder - 0.5 * step(1.2 - (x + 50.0).abs(), 1.2)
    }
}

impl Solid for Bottle {
    fn distance(&self, [x, y, z]: Vector) -> f32 {
        let up = FLATNESS * (z - AXIS_MM);
        let radius = y.hypot(up);
        let body = 0.75 * rectangle([x + 11.0, radius], [48.0, self.radius_mm(x)], 3.0).max(x - 41.0);
        let neck = rectangle([x - 40.0, radius], [8.0, 7.6], 0.5);
        // Ribs of the cap.
        let rib = 0.35 * (18.0 * up.atan2(y)).cos();
        let cap = 0.85 * rectangle([x - 50.0, radius], [9.0, 10.4 + rib * self.tolerance.height], 1.2);
        let ring = rectangle([x - 38.0, radius], [1.2, 9.8], 0.5);
        let all = joined(body, neck, 1.5).min(cap);
        (if self.has_ring { all.min(ring) } else { all }).max(-z) / FLATNESS
    }

    fn finish(&self, [x, y, z]: Vector) -> Finish {
        if x > 36.5 {
            return self.tolerance.tinted(Finish::plastic([0.55, 0.09, 0.05]));
        }
        let wall = Finish::plastic([0.62, 0.6, 0.52]).times(1.0 + 0.05 * field(self.tolerance.grain, x / 9.0, y / 9.0));
        let around = BODY_MM * y.atan2(FLATNESS * (z - AXIS_MM));
        let code = Print { text: self.code, signs: 6, height_mm: 2.8 };
        let inked = code.inside_mm([x - 11.0, around - self.code_at]);
        let wall = wall.blended(Finish::matt([0.05, 0.05, 0.08]), step(inked, 0.4));
        let [u, v] = turned([x - self.label_at[0], around - self.label_at[1]], (-self.label_turn).sin_cos());
        let on_label = -rectangle([u, v], LABEL_MM, 2.0);
        if !self.has_label || on_label < -0.5 {
            return self.tolerance.tinted(wall);
        }
        self.tolerance.tinted(wall.blended(label(u, v), step(on_label, 0.5)))
    }

    fn misplace(&mut self, random: &mut Rng) {
        let sign = if random.bool() { 1.0 } else { -1.0 };
        match random.u8(0..3) {
            0 => self.label_at[0] += sign * between(random, 7.0, 12.0),
            1 => self.label_at[1] += sign * between(random, 9.0, 15.0),
            _ => self.label_turn += sign * between(random, 0.12, 0.35),
        }
    }

    fn omit(&mut self, random: &mut Rng) {
        match random.bool() {
            true => self.has_label = false,
            false => self.has_ring = false,
        }
    }
}

/// What is printed at a place of the label, from its middle.
fn label(u: f32, v: f32) -> Finish {
    let paper = Finish { gloss: 0.05, ..Finish::matt([0.75, 0.76, 0.72]) };
    let band = paper.blended(Finish::matt([0.05, 0.22, 0.4]), step(v - 7.0, 0.4));
    let name = Print { text: 21, signs: 7, height_mm: 6.0 }.inside_mm([u + 16.0, v - 9.0]);
    let band = band.blended(paper, step(name, 0.4));
    let lines = (0..3)
        .map(|i| Print { text: 40 + i, signs: 14, height_mm: 2.2 }.inside_mm([u + 20.0, v - 3.0 + 4.0 * i as f32]));
    let ink = lines.fold(f32::MIN, f32::max);
    let code = -rectangle([u - 14.0, v + 9.0], [6.0, 4.5], 0.0);
    let bars = if is_bar(5, u, 0.75) { step(code, 0.4) } else { 0.0 };
    let sign = 4.2 - (u - 13.0).hypot(v - 1.0);
    let with_sign = band.blended(Finish::matt([0.6, 0.35, 0.04]), step(sign, 0.4));
    with_sign.blended(Finish::matt([0.04; 3]), step(ink, 0.4).max(bars))
}
