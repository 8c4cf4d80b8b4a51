//! A woven insole: free form, a cup at the heel, an arch, perforated toes and a printed sign.

use fastrand::Rng;

use super::make::{Kind, Lies, Make};
use super::shape::{circle, cut, extruded, joined, rectangle, slot};
use super::solid::{Finish, Solid};
use super::texture::{Print, weave};
use super::tolerance::Tolerance;
use crate::procedural::blend::step;
use crate::procedural::noise::{between, field, normal};
use crate::vector::{Vector, turned};

pub const MAKE: Make = Make {
    half_mm: [125.0, 48.0],
    height_mm: 24.0,
    lift_mm: 0.0,
    distance_share: 2.6,
    lies: Lies::Anyhow,
    sensor: Kind::Stereo,
    noise_share: 0.55,
};

/// Width of a thread.
const THREAD_MM: f32 = 2.6;
/// The perforated field at the toes: its middle, half sides, the pitch and the radius of the holes.
const TOES: ([f32; 2], [f32; 2]) = ([78.0, 6.0], [24.0, 20.0]);
const PITCH_MM: f32 = 12.0;
const HOLE_MM: f32 = 2.8;

pub struct Insole {
    tolerance: Tolerance,
    sign_at: [f32; 2],
    sign_turn: f32,
    has_sign: bool,
    toes_at: Option<[f32; 2]>,
    /// How the cloth lies: its turn, and where its threads begin.
    cloth_turn: f32,
    cloth_at: [f32; 2],
}

impl Insole {
    pub fn draw(random: &mut Rng) -> Self {
        Self {
            tolerance: Tolerance::draw(random),
            sign_at: [-84.0 + 2.5 * normal(random).clamp(-2.0, 2.0), 2.0 * normal(random).clamp(-2.0, 2.0)],
            sign_turn: 0.06 * normal(random).clamp(-2.0, 2.0),
            has_sign: true,
            toes_at: Some(TOES.0),
            cloth_turn: between(random, 0.6, 1.0),
            cloth_at: [0; 2].map(|_| 50.0 * random.f32()),
        }
    }

    fn outline(&self, p: [f32; 2]) -> f32 {
        let heel = slot(p, [-90.0, 2.0], [-60.0, 1.0], 32.0);
        let ball = slot(p, [50.0, 4.0], [74.0, 7.0], 40.0);
        let waist = slot(p, [-60.0, 8.0], [50.0, 14.0], 25.0);
        let toe = circle([p[0] - 92.0, p[1] - 13.0], 29.0);
        joined(joined(joined(heel, waist, 22.0), ball, 25.0), toe, 14.0)
    }

    /// How thick it is: the cup's rim and the arch are higher.
    fn top_mm(&self, [x, y]: [f32; 2], inside: f32) -> f32 {
        let cup = step(-45.0 - x, 50.0) * step(16.0 - inside, 18.0);
        let arch = step(y - 16.0, 26.0) * step(48.0 - (x + 8.0).abs(), 60.0);
        let (thread, _) = weave(self.threads([x, y]));
        self.tolerance.height * (8.5 + 10.0 * cup + 9.0 * arch) + 0.5 * thread
    }

    fn threads(&self, p: [f32; 2]) -> [f32; 2] {
        turned([0, 1].map(|i| p[i] / THREAD_MM + self.cloth_at[i]), self.cloth_turn.sin_cos())
    }

    fn perforation(&self, p: [f32; 2]) -> f32 {
        let Some(at) = self.toes_at else { return f32::MAX };
        let at = [p[0] - at[0], p[1] - at[1]];
        let near = [0, 1].map(|i| at[i] - PITCH_MM * (at[i] / PITCH_MM).round().clamp(-2.0, 2.0));
        circle(near, HOLE_MM).max(rectangle(at, TOES.1.map(|half| half + 6.0), 4.0))
    }
}

impl Solid for Insole {
    fn distance(&self, [x, y, z]: Vector) -> f32 {
        let outline = self.outline([x, y]);
        let body = extruded(outline, z, 0.0, self.top_mm([x, y], -outline), 1.5);
        0.85 * cut(body, self.perforation([x, y]))
    }

    fn finish(&self, [x, y, _]: Vector) -> Finish {
        let (height, along_x) = weave(self.threads([x, y]));
        let colour = if along_x { [0.3, 0.13, 0.1] } else { [0.2, 0.17, 0.22] };
        let faded = 1.0 + 0.1 * field(self.tolerance.grain, x / 16.0, y / 16.0);
        let cloth = Finish { gloss: 0.01, ..Finish::matt(colour) }.times(faded * (0.5 + 0.6 * height));
        let rim = step(self.outline([x, y]) + 3.0, 1.5);
        let cloth = cloth.blended(Finish::matt([0.1, 0.1, 0.11]), 0.8 * rim);
        if !self.has_sign {
            return self.tolerance.tinted(cloth);
        }
        let [u, v] = turned([x - self.sign_at[0], y - self.sign_at[1]], (-self.sign_turn).sin_cos());
        let patch = -rectangle([u, v], [24.0, 14.0], 10.0);
        let sign = Print { text: 77, signs: 4, height_mm: 13.0 };
        let ink = sign.inside_mm([u + 0.5 * sign.length_mm(), v + 6.5]);
        let patched = cloth.blended(Finish::matt([0.55, 0.5, 0.42]).times(0.8 + 0.25 * height), step(patch, 1.5));
        self.tolerance.tinted(patched.blended(Finish::matt([0.06, 0.07, 0.12]), step(ink, 1.5)))
    }

    fn misplace(&mut self, random: &mut Rng) {
        let sign = if random.bool() { 1.0 } else { -1.0 };
        match random.u8(0..3) {
            0 => self.sign_at[0] += between(random, 14.0, 32.0),
            1 => self.sign_turn += sign * between(random, 0.4, 1.5),
            _ => self.toes_at = Some([TOES.0[0] - between(random, 9.0, 22.0), TOES.0[1]]),
        }
    }

    fn omit(&mut self, random: &mut Rng) {
        match random.bool() {
            true => self.has_sign = false,
            false => self.toes_at = None,
        }
    }
}
