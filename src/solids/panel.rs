//! A perforated wooden panel of 400 mm with two battens, seen from far.

use fastrand::Rng;

use super::make::{Kind, Lies, Make};
use super::shape::{circle, cut, extruded, rectangle};
use super::solid::{Finish, Solid};
use super::texture::{Print, wood};
use super::tolerance::Tolerance;
use crate::procedural::blend::{blend, step};
use crate::procedural::noise::between;
use crate::vector::{Vector, turned};

pub const MAKE: Make = Make {
    half_mm: [202.0, 132.0],
    height_mm: 34.0,
    lift_mm: 0.0,
    distance_share: 2.6,
    lies: Lies::InGuides,
    sensor: Kind::TimeOfFlight,
    noise_share: 0.8,
};

const BOARD_MM: f32 = 16.0;
/// From one hole to the next, their radius, and how many there are along and across.
const PITCH_MM: f32 = 30.0;
const HOLE_MM: f32 = 8.0;
const HOLES: [i32; 2] = [7, 7];
/// Where the battens are, along the panel.
const BATTENS: [f32; 2] = [-150.0, 150.0];

pub struct Panel {
    tolerance: Tolerance,
    /// Grain of the board and of each batten.
    grains: [u32; 3],
    battens: Vec<f32>,
    /// A hole that is not where it belongs, by its column and row: where it is instead, if anywhere.
    odd_hole: Option<([i32; 2], Option<[f32; 2]>)>,
    stamp_at: [f32; 2],
    stamp_turn: f32,
}

impl Panel {
    pub fn draw(random: &mut Rng) -> Self {
        Self {
            tolerance: Tolerance::draw(random),
            grains: [0; 3].map(|_| random.u32(..)),
            battens: BATTENS.to_vec(),
            odd_hole: None,
            // A person sets the stamp: it lies where it comes to lie.
            stamp_at: [between(random, -90.0, 10.0), between(random, -122.0, -113.0)],
            stamp_turn: between(random, -0.04, 0.04),
        }
    }

    fn holes(&self, p: [f32; 2]) -> f32 {
        let cell = [0, 1].map(|i| (p[i] / PITCH_MM).round().clamp(-(HOLES[i] / 2) as f32, (HOLES[i] / 2) as f32));
        let at = [0, 1].map(|i| p[i] - PITCH_MM * cell[i]);
        let Some((column_and_row, instead)) = &self.odd_hole else { return circle(at, HOLE_MM) };
        let moved = instead.map_or(f32::MAX, |to| circle([p[0] - to[0], p[1] - to[1]], HOLE_MM));
        // Where a hole is left out, the nearest other one is about a pitch away.
        let regular = if cell.map(|c| c as i32) == *column_and_row { 0.4 * PITCH_MM } else { circle(at, HOLE_MM) };
        regular.min(moved)
    }

    fn batten(&self, [x, y, z]: Vector) -> f32 {
        let top = BOARD_MM + 17.0 * self.tolerance.height;
        let batten = |at: &f32| extruded(rectangle([x - at, y], [13.0, 112.0], 2.0), z, BOARD_MM - 2.0, top, 2.0);
        self.battens.iter().map(batten).fold(f32::MAX, f32::min)
    }

    fn odd(&mut self, random: &mut Rng, instead: impl Fn([f32; 2]) -> Option<[f32; 2]>) {
        let hole = HOLES.map(|count| random.i32(-(count / 2)..=count / 2));
        self.odd_hole = Some((hole, instead(hole.map(|i| PITCH_MM * i as f32))));
    }
}

impl Solid for Panel {
    fn distance(&self, p: Vector) -> f32 {
        let [x, y, z] = p;
        let board = extruded(rectangle([x, y], [200.0, 130.0], 8.0), z, 0.0, BOARD_MM, 1.5);
        cut(board, self.holes([x, y])).min(self.batten(p))
    }

    fn finish(&self, p: Vector) -> Finish {
        let [x, y, z] = p;
        let is_batten = z > BOARD_MM + 0.5;
        let (grain, at) = match is_batten {
            true => (self.grains[if x < 0.0 { 1 } else { 2 }], [y / 12.0, x / 12.0]),
            false => (self.grains[0], [x / 14.0, y / 14.0]),
        };
        let [early, late] =
            if is_batten { [[0.5, 0.33, 0.17], [0.26, 0.14, 0.06]] } else { [[0.62, 0.47, 0.28], [0.42, 0.26, 0.12]] };
        let planed = Finish::matt(blend(early, late, wood(grain, at)));
        let wall = -self.holes([x, y]).abs() + 1.0;
        let burnt = if z < BOARD_MM - 1.6 { step(wall, 1.0) } else { 0.0 };
        let timber = planed.blended(Finish::matt([0.1, 0.06, 0.03]), burnt);
        let [u, v] = turned([x - self.stamp_at[0], y - self.stamp_at[1]], (-self.stamp_turn).sin_cos());
        let stamp = Print { text: 90, signs: 9, height_mm: 14.0 }.inside_mm([u, v]);
        let inked = if is_batten { 0.0 } else { 0.85 * step(stamp, 1.2) };
        self.tolerance.tinted(timber.blended(Finish::matt([0.04, 0.05, 0.2]), inked))
    }

    fn misplace(&mut self, random: &mut Rng) {
        let sign = if random.bool() { 1.0 } else { -1.0 };
        match random.u8(0..3) {
            0 => {
                let batten = random.usize(0..BATTENS.len());
                self.battens[batten] += sign * between(random, 12.0, 26.0);
            }
            _ => {
                let by = [sign * between(random, 8.0, 14.0), between(random, -10.0, 10.0)];
                self.odd(random, |at| Some([at[0] + by[0], at[1] + by[1]]));
            }
        }
    }

    fn omit(&mut self, random: &mut Rng) {
        match random.u8(0..3) {
            0 => drop(self.battens.remove(random.usize(0..BATTENS.len()))),
            _ => self.odd(random, |_| None),
        }
    }
}
