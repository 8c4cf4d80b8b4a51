//! Draws flaws: where on the part, how large, and what they look like.

use std::f32::consts::TAU;

use fastrand::Rng;

use super::defect::Defect;
use super::flaw::{Body, Change, Flaw, Line};
use super::make::{Make, SIDE};
use super::piece::Piece;
use super::solid::Finish;
use super::station::Station;
use super::view::{Thing, View};
use crate::procedural::blend::{Albedo, difference};
use crate::procedural::noise::{between, between_log};
use crate::vector::{Vector, dot};

/// Places, or colours, that are tried for one that suits.
const TRIES: usize = 300;
/// Size of defects over the part's extent.
pub const SIZE_SHARE: [f32; 2] = [0.03, 0.16];
/// By how much an end of a bent part rises, over the extent.
const BEND_SHARE: [f32; 2] = [0.015, 0.07];
/// Height of a dent or a bump over its radius.
const HEIGHT_SHARE: [f32; 2] = [0.2, 0.3];

/// A good part as it is seen: defects are placed on what shows of it.
pub struct Shown<'a> {
    pub station: &'a Station,
    pub make: &'a Make,
    pub piece: &'a Piece,
    pub view: &'a View,
}

/// A place on the part, in its frame.
struct Spot {
    at: Vector,
    normal: Vector,
    finish: Finish,
}

impl Shown<'_> {
    /// The defects that change the part's features have no flaw.
    pub fn draw(&self, defect: Defect, random: &mut Rng) -> Option<Flaw> {
        let radius_mm = 0.5 * self.make.extent_mm() * between_log(random, SIZE_SHARE[0], SIZE_SHARE[1]);
        let at_edge = match defect {
            Defect::Burr => true,
            Defect::Crack | Defect::MissingMaterial => random.u8(0..3) > 0,
            _ => false,
        };
        let spot = self.spot(at_edge, random);
        let angle = between(random, 0.0, TAU);
        let wish = if defect == Defect::Burr { self.edge(&spot) } else { [angle.cos(), angle.sin(), 0.0] };
        let change = match defect {
            Defect::Dent => Change::Swelling(-radius_mm * between(random, HEIGHT_SHARE[0], HEIGHT_SHARE[1])),
            Defect::Bump => Change::Swelling(radius_mm * between(random, HEIGHT_SHARE[0], HEIGHT_SHARE[1])),
            Defect::Scratch => Change::Line(self.scratch(&spot, random)),
            Defect::Crack => Change::Line(self.crack(radius_mm, random)),
            Defect::WrongColour => {
                let albedo = unlike(spot.finish.albedo, [0.08, 0.35], random);
                Change::Paint(Finish { albedo, ..spot.finish }, between(random, 0.65, 0.9))
            }
            Defect::Contamination => Change::Film(film(spot.finish.albedo, random), between(random, 0.35, 0.7)),
            Defect::MissingMaterial => Change::Bite,
            Defect::Burr => Change::Burr,
            Defect::ForeignBody => Change::Body(body(spot.finish.albedo, random)),
            Defect::Warp => return Some(self.bend(random)),
            Defect::Misplaced | Defect::MissingFeature => return None,
        };
        Some(Flaw::new(spot.at, spot.normal, wish, radius_mm, random.u32(..), change))
    }

    /// What a pixel of 400 covers, millimetres.
    fn pixel_mm(&self) -> f32 {
        self.make.field_mm() / SIDE as f32
    }

    fn scratch(&self, spot: &Spot, random: &mut Rng) -> Line {
        let width_mm = self.pixel_mm() * between(random, 1.8, 3.2);
        let albedo = unlike(spot.finish.albedo, [0.07, 0.3], random);
        let finish = Finish { albedo: albedo.map(|a| 0.3 * a + 0.7 * albedo.iter().sum::<f32>() / 3.0), ..spot.finish };
        Line { width_mm, depth_mm: 0.25 * width_mm, wander: between(random, 0.0, 0.12), turns: 0.6, finish }
    }

    fn crack(&self, radius_mm: f32, random: &mut Rng) -> Line {
        let width_mm = self.pixel_mm() * between(random, 1.6, 3.0);
        let finish = Finish::matt([between(random, 0.015, 0.04); 3]);
        let turns = between(random, 2.5, 4.0);
        Line { width_mm, depth_mm: width_mm.max(0.5 * radius_mm), wander: between(random, 0.12, 0.25), turns, finish }
    }

    /// One end bends up, or down where there is room under it.
    fn bend(&self, random: &mut Rng) -> Flaw {
        let extent_mm = self.make.extent_mm();
        let up_mm = extent_mm * between_log(random, BEND_SHARE[0], BEND_SHARE[1]);
        let down = random.bool() && up_mm < 0.5 * self.make.lift_mm;
        // Which end, and how far from the middle the bend begins.
        let angle = 0.25 * TAU * f32::from(random.u8(0..4)) + between(random, -0.4, 0.4);
        let way = [angle.cos(), angle.sin(), 0.0];
        let [x, y] = self.make.half_mm;
        let reach = (x * way[0]).hypot(y * way[1]);
        let from = reach * between(random, -0.2, 0.35);
        let at = way.map(|w| w * from);
        let change = Change::Bend(if down { -up_mm } else { up_mm });
        Flaw::new(at, [0.0, 0.0, 1.0], way, 0.5 * (reach - from), random.u32(..), change)
    }

    /// A pixel of the part that faces the camera; at an edge, one whose neighbour sees the plate or something far below.
    fn spot(&self, at_edge: bool, random: &mut Rng) -> Spot {
        let view = self.view;
        let pixels: Vec<usize> = (0..view.seen.len()).filter(|p| view.seen[*p].thing == Thing::Part).collect();
        let mut pixel = 0;
        for _ in 0..TRIES {
            pixel = pixels.get(random.usize(0..pixels.len().max(1))).copied().unwrap_or_default();
            let seen = &view.seen[pixel];
            let steps = |other: usize| view.seen[other].depth_mm - seen.depth_mm > 6.0 * self.pixel_mm();
            let is_edge = view.around(pixel, 1).any(steps);
            if is_edge == at_edge && (at_edge || seen.normal[2] > 0.4) {
                break;
            }
        }
        let seen = &view.seen[pixel];
        let at = self.piece.place(self.station.at(pixel, seen));
        Spot { at, normal: self.piece.direction(upright(seen.normal)), finish: self.piece.finish(at) }
    }

    /// Along the edge beside a spot: across the way to what is below.
    fn edge(&self, spot: &Spot) -> Vector {
        let step = 1.5 * self.pixel_mm();
        let ways = (0..16).map(|i| (TAU * i as f32 / 16.0).sin_cos());
        let inside = |(sin, cos): &(f32, f32)| {
            let near = [spot.at[0] + step * cos, spot.at[1] + step * sin, spot.at[2]];
            -self.piece.distance(near)
        };
        let outward = ways.min_by(|a, b| inside(a).total_cmp(&inside(b)));
        outward.map_or([1.0, 0.0, 0.0], |(sin, cos)| [-sin, cos, 0.0])
    }
}

/// The normal of an edge leans anywhere: what is put there goes up.
fn upright(normal: Vector) -> Vector {
    if dot(normal, [0.0, 0.0, 1.0]) > 0.4 { normal } else { [0.0, 0.0, 1.0] }
}

/// A colour whose difference to `here` lies in a range.
fn unlike(here: Albedo, range: [f32; 2], random: &mut Rng) -> Albedo {
    let mut paint = here;
    for _ in 0..TRIES {
        paint = [0; 3].map(|_| between_log(random, 0.02, 0.85));
        if (range[0]..range[1]).contains(&difference(here, paint)) {
            break;
        }
    }
    paint
}

/// Oil, dust or glue.
fn film(here: Albedo, random: &mut Rng) -> Finish {
    match random.u8(0..3) {
        0 => Finish { albedo: here.map(|a| 0.45 * a), gloss: 0.2, sharpness: 80.0 },
        1 => Finish::matt(here.map(|a| a + 0.5 * (0.55 - a))),
        _ => Finish { albedo: [0, 1, 2].map(|i| here[i] * 0.6 + [0.2, 0.14, 0.02][i]), gloss: 0.25, sharpness: 60.0 },
    }
}

/// A chip, a grain or a fibre.
fn body(here: Albedo, random: &mut Rng) -> Body {
    let albedo = unlike(here, [0.05, 0.6], random);
    let finish = if random.bool() { Finish::matt(albedo) } else { Finish::metal(albedo) };
    let slender = between_log(random, 0.25, 1.0);
    Body { shape: [1.0 / slender.sqrt(), slender.sqrt(), between(random, 0.3, 0.7)].map(|x| x.min(1.9)), finish }
}
