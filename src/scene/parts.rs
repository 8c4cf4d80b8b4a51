//! The parts: height over the belt and colour at every place on them, in millimetres from their middle.

use std::f32::consts::TAU;

use fastrand::Rng;

use super::surface::{REACH_MM, Surface};
use crate::procedural::blend::{Albedo, blend, step};
use crate::procedural::noise::{between, field, normal};

/// A kind of part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// A moulded disc: a painted groove and raised, painted ribs.
    Puck,
    /// A scalloped biscuit: darker towards its rim, with raised dark chips that lie anywhere.
    Biscuit,
    /// A blister pack: in each of twelve cavities a high red capsule or a low white tablet.
    Blister,
    /// A circuit board: components of their own height and colour.
    Board,
    /// A cable gland: a hexagon with a boss, a bore and a black sealing ring.
    Gland,
    /// A bottle cap: a knurled rim and a raised white mark.
    Cap,
}

crate::words::words!(Part {
    Puck = "puck",
    Biscuit = "biscuit",
    Blister = "blister",
    Board = "board",
    Gland = "gland",
    Cap = "cap",
});

/// What differs from one good part to the next.
#[derive(Clone, Debug)]
pub struct SoundPiece {
    part: Part,
    height_factor: f32,
    tint: Albedo,
    /// For the texture of its material.
    grain: u32,
    /// A biscuit's chips: place and radius.
    chips: Vec<([f32; 2], f32)>,
    /// Which cavities of a blister pack hold a capsule.
    capsules: [bool; 12],
}

impl SoundPiece {
    pub fn draw(part: Part, random: &mut Rng) -> Self {
        let brightness = 1.0 + 0.015 * normal(random);
        let tint = [0; 3].map(|_| brightness * (1.0 + 0.008 * normal(random)));
        Self {
            part,
            height_factor: 1.0 + 0.008 * normal(random),
            tint,
            grain: random.u32(..),
            chips: if part == Part::Biscuit { chips(random) } else { Vec::new() },
            capsules: [(); 12].map(|()| random.bool()),
        }
    }

    /// The surface at a place in millimetres from the middle; none beside the part.
    pub fn surface(&self, [x, y]: [f32; 2]) -> Option<Surface> {
        if x.hypot(y) > REACH_MM {
            return None;
        }
        let surface = match self.part {
            Part::Puck => puck(x, y),
            Part::Biscuit => self.biscuit(x, y),
            Part::Blister => self.blister(x, y),
            Part::Board => board(x, y),
            Part::Gland => gland(x, y),
            Part::Cap => cap(x, y),
        }?;
        let grain = 1.0 + 0.02 * field(self.grain, x / 1.5, y / 1.5);
        let albedo = [0, 1, 2].map(|i| surface.albedo[i] * self.tint[i] * grain);
        Some(Surface { height_mm: surface.height_mm * self.height_factor, albedo })
    }

    fn biscuit(&self, x: f32, y: f32) -> Option<Surface> {
        let inside = 36.0 + 1.2 * (14.0 * y.atan2(x)).cos() - x.hypot(y);
        let dome = 2.0 * (1.0 - (x.hypot(y) / 37.0).powi(2)).max(0.0);
        let baked = step(14.0 - inside, 16.0);
        let (mut height_mm, mut albedo) = (7.5 + dome, blend([0.62, 0.42, 0.2], [0.36, 0.18, 0.06], baked));
        for ([cx, cy], radius) in &self.chips {
            let rim = radius - (x - cx).hypot(y - cy);
            height_mm += 1.7 * step(rim, 1.6);
            albedo = blend(albedo, [0.09, 0.04, 0.025], step(rim, 0.5));
        }
        part(inside, 5.0, 3.5, height_mm, albedo)
    }

    fn blister(&self, x: f32, y: f32) -> Option<Surface> {
        let (column, row) = ((x / 18.0 + 2.0).floor().clamp(0.0, 3.0), (y / 18.0 + 1.5).floor().clamp(0.0, 2.0));
        let from_middle = (x - 18.0 * (column - 1.5)).hypot(y - 18.0 * (row - 1.0));
        let dome = |radius: f32| (1.0 - (from_middle / radius).powi(2)).max(0.0).sqrt();
        let (height, paint) = if self.capsules[(row * 4.0 + column) as usize] {
            (4.0 * dome(6.5), [0.5, 0.04, 0.05])
        } else {
            (1.8 * dome(6.5), [0.78, 0.76, 0.7])
        };
        let albedo = blend([0.4, 0.42, 0.45], paint, step(6.5 - from_middle, 0.5));
        part(rectangle(x, y, 38.0, 29.0, 6.0), 2.5, 2.0, 6.5 + height, albedo)
    }
}

/// Chips that do not touch.
fn chips(random: &mut Rng) -> Vec<([f32; 2], f32)> {
    let mut chips: Vec<([f32; 2], f32)> = Vec::new();
    for _ in 0..60 {
        let (angle, distance) = (between(random, 0.0, TAU), 29.0 * random.f32().sqrt());
        let (at, radius) = ([distance * angle.cos(), distance * angle.sin()], between(random, 3.2, 4.6));
        let apart = |other: &([f32; 2], f32)| (at[0] - other.0[0]).hypot(at[1] - other.0[1]) > radius + other.1 + 2.0;
        if chips.len() < 11 && chips.iter().all(apart) {
            chips.push((at, radius));
        }
    }
    chips
}

fn puck(x: f32, y: f32) -> Option<Surface> {
    let radius = x.hypot(y);
    let groove = step(1.9 - (radius - 20.0).abs(), 0.8);
    let spoke = (y.atan2(x) * 6.0 / TAU).rem_euclid(1.0) - 0.5;
    let across = spoke.abs() * TAU / 6.0 * radius;
    let rib = step((1.9 - across).min(4.0 - (radius - 29.0).abs()), 0.8);
    let albedo = blend(blend([0.52, 0.52, 0.5], [0.06, 0.14, 0.42], groove), [0.7, 0.28, 0.05], rib);
    part(38.0 - radius, 3.0, 2.5, 9.0 - 1.4 * groove + 1.3 * rib, albedo)
}

/// Middle, half sides, height over the board and albedo of its components.
const COMPONENTS: [([f32; 2], [f32; 2], f32, Albedo); 9] = [
    ([-20.0, -12.0], [9.0, 9.0], 2.2, [0.04, 0.04, 0.045]),
    ([6.0, -16.0], [6.0, 4.0], 1.6, [0.04, 0.04, 0.045]),
    ([27.0, -12.0], [6.0, 9.0], 4.2, [0.08, 0.16, 0.45]),
    ([-27.0, 15.0], [5.0, 6.0], 3.2, [0.55, 0.55, 0.58]),
    ([-13.0, 16.0], [4.0, 3.0], 1.5, [0.5, 0.33, 0.14]),
    ([-2.0, 16.0], [4.0, 3.0], 1.5, [0.5, 0.33, 0.14]),
    ([9.0, 16.0], [4.0, 3.0], 1.5, [0.5, 0.33, 0.14]),
    ([26.0, 14.0], [8.0, 6.0], 3.6, [0.72, 0.7, 0.64]),
    ([5.0, -1.0], [9.0, 3.5], 2.6, [0.6, 0.12, 0.08]),
];

fn board(x: f32, y: f32) -> Option<Surface> {
    let (mut height_mm, mut albedo) = (6.5, [0.035, 0.2, 0.07]);
    // A printed frame around where components sit: colour that no shape goes with.
    let frame = rectangle(x, y, 35.0, 25.0, 2.0).abs();
    albedo = blend(albedo, [0.65, 0.65, 0.6], step(0.5 - frame, 0.4));
    for ([cx, cy], [hx, hy], height, paint) in COMPONENTS {
        let rim = rectangle(x - cx, y - cy, hx, hy, 1.0);
        height_mm += height * step(rim, 0.8);
        albedo = blend(albedo, paint, step(rim, 0.5));
    }
    part(rectangle(x, y, 38.0, 29.0, 3.0), 1.0, 1.0, height_mm, albedo)
}

fn gland(x: f32, y: f32) -> Option<Surface> {
    let radius = x.hypot(y);
    let side = |turn: f32| 34.0 - (x * (turn * TAU / 6.0).cos() + y * (turn * TAU / 6.0).sin()).abs();
    let hexagon = side(0.0).min(side(1.0)).min(side(2.0));
    let boss = step(24.0 - radius, 1.2);
    let seal = step(3.0 - (radius - 16.0).abs(), 0.8);
    let bore = step(9.5 - radius, 1.2);
    let height_mm = 8.0 + 5.0 * boss - 1.4 * seal - 5.0 * bore;
    let brass = blend([0.5, 0.36, 0.12], [0.62, 0.5, 0.26], boss);
    let albedo = blend(blend(brass, [0.03, 0.03, 0.03], seal), [0.2, 0.14, 0.06], bore);
    part(hexagon, 2.5, 2.0, height_mm, albedo)
}

fn cap(x: f32, y: f32) -> Option<Surface> {
    let radius = x.hypot(y);
    let knurl = step(radius - 30.0, 1.0) * (0.5 + 0.5 * (40.0 * y.atan2(x)).cos());
    let (bar, arc) = (rectangle(x + 7.0, y, 3.0, 13.0, 1.0), 3.0 - ((x + 3.0).hypot(y) - 14.0).abs());
    let mark = step(bar.max(if x > 0.0 { arc } else { -1.0 }), 0.8);
    let dish = 0.8 * (1.0 - (radius / 30.0).powi(2)).max(0.0);
    let albedo = blend(blend([0.05, 0.17, 0.42], [0.035, 0.11, 0.28], knurl), [0.76, 0.76, 0.74], mark);
    part(36.0 - radius, 3.5, 3.0, 11.0 - dish - 0.7 * knurl + 1.2 * mark, albedo)
}

/// A surface `inside` millimetres from its rim, which is rounded over `width` by `drop`.
fn part(inside: f32, width: f32, drop: f32, height_mm: f32, albedo: Albedo) -> Option<Surface> {
    let outward = 1.0 - (inside / width).clamp(0.0, 1.0);
    let rounded = drop * (1.0 - (1.0 - outward * outward).sqrt());
    (inside > 0.0).then_some(Surface { height_mm: height_mm - rounded, albedo })
}

/// Distance to the border of a rectangle with round corners, positive inside.
fn rectangle(x: f32, y: f32, half_x: f32, half_y: f32, radius: f32) -> f32 {
    let (dx, dy) = (x.abs() - half_x + radius, y.abs() - half_y + radius);
    radius - dx.max(0.0).hypot(dy.max(0.0)) - dx.max(dy).min(0.0)
}

#[cfg(test)]
mod tests {
    use super::super::surface::HEIGHT_MAX_MM;
    use super::*;

    #[test]
    fn parts_stay_within_their_bounds_and_are_neither_flat_nor_of_one_colour() {
        for part in Part::ALL {
            let piece = SoundPiece::draw(part, &mut Rng::with_seed(4));
            let grid = (0..101 * 101).map(|i| [(i % 101) as f32 - 50.0, (i / 101) as f32 - 50.0]);
            let found: Vec<Surface> = grid.filter_map(|at| piece.surface(at)).collect();
            assert!(found.len() > 2_500, "{part:?}: {} square millimetres", found.len());
            assert!(found.iter().all(|s| (3.0..HEIGHT_MAX_MM - 4.0).contains(&s.height_mm)), "{part:?}");
            assert!(found.iter().all(|s| s.albedo.iter().all(|a| (0.0..0.95).contains(a))), "{part:?}");
            let spread = |of: &dyn Fn(&Surface) -> f32| {
                let mean = found.iter().map(of).sum::<f32>() / found.len() as f32;
                (found.iter().map(|s| (of(s) - mean).powi(2)).sum::<f32>() / found.len() as f32).sqrt()
            };
            assert!(spread(&|s| s.height_mm) > 0.3, "{part:?}");
            assert!(spread(&|s| s.albedo.iter().sum::<f32>() / 3.0) > 0.05, "{part:?}");
        }
    }

    #[test]
    fn names_lead_back_to_their_part() {
        for part in Part::ALL {
            assert_eq!(part.name().parse(), Ok(part));
        }
        assert_eq!("anvil".parse::<Part>().ok(), None);
    }
}
