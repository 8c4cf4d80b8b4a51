//! Defects: what they change on a part, and where.

use std::f32::consts::TAU;

use fastrand::Rng;

use super::defect::Defect;
use super::parts::SoundPiece;
use super::surface::{REACH_MM, Surface};
use crate::procedural::blend::{Albedo, blend, difference, step};
use crate::procedural::noise::{between, field};

/// Places that are tried for one that suits.
const TRIES: usize = 400;
/// Smallest mean difference that moves a mark or a bump of the part to a place where it shows.
const ALBEDO_DIFFERENCE: f32 = 0.12;
const HEIGHT_DIFFERENCE_MM: f32 = 0.8;
/// How far from the part's rim a defect's middle lies.
const RIM_MM: f32 = 6.0;

/// A changed region of a part: a disc with an uneven rim.
#[derive(Clone, Debug)]
pub struct Flaw {
    at: [f32; 2],
    radius_mm: f32,
    /// For the uneven rim.
    rim: u32,
    change: Change,
}

#[derive(Clone, Debug)]
enum Change {
    Stain(Albedo),
    /// Height is added, a hill or a hollow.
    Dent(f32),
    /// Another place's colour, at this offset.
    ColourFrom([f32; 2]),
    /// Another place's height, at this offset.
    HeightFrom([f32; 2]),
    Hole,
    Body {
        albedo: Albedo,
        height_mm: f32,
    },
}

impl Flaw {
    pub fn draw(defect: Defect, piece: &SoundPiece, random: &mut Rng) -> Self {
        let at = place(piece, random);
        let flaw = |radius_mm, change| Self { at, radius_mm, rim: 0, change };
        let flaw = match defect {
            Defect::Colour => flaw(between(random, 2.5, 5.0), Change::Stain(stain(piece, at, random))),
            Defect::Shape => {
                let sign = if random.bool() { 1.0 } else { -1.0 };
                flaw(between(random, 4.0, 6.0), Change::Dent(sign * between(random, 1.5, 3.0)))
            }
            Defect::Mismatch => return mismatch(piece, random),
            Defect::MissingMaterial => flaw(between(random, 3.0, 6.0), Change::Hole),
            Defect::ForeignBody => {
                let albedo = [0; 3].map(|_| between(random, 0.02, 0.7));
                flaw(between(random, 2.5, 4.5), Change::Body { albedo, height_mm: between(random, 2.0, 4.0) })
            }
        };
        Self { rim: random.u32(..), ..flaw }
    }

    /// What becomes of the surface at a place.
    pub fn change(&self, at: [f32; 2], sound: impl Fn([f32; 2]) -> Option<Surface>) -> Option<Surface> {
        let surface = sound(at)?;
        let (dx, dy) = (at[0] - self.at[0], at[1] - self.at[1]);
        let distance = dx.hypot(dy);
        if distance > 2.0 * self.radius_mm {
            return Some(surface);
        }
        let uneven = 1.0 + 0.2 * field(self.rim, at[0] / 3.0, at[1] / 3.0);
        let inside = self.radius_mm * uneven - distance;
        let share = step(inside, 0.6);
        let elsewhere = |offset: [f32; 2]| sound([at[0] + offset[0], at[1] + offset[1]]).unwrap_or(surface);
        let Surface { height_mm, albedo } = surface;
        Some(match self.change {
            Change::Stain(paint) => Surface { albedo: blend(albedo, paint, 0.85 * share), ..surface },
            Change::Dent(by) => {
                let hill = (1.0 - (distance / self.radius_mm).powi(2)).max(0.0).powi(2);
                Surface { height_mm: height_mm + by * hill, ..surface }
            }
            Change::ColourFrom(offset) => Surface { albedo: blend(albedo, elsewhere(offset).albedo, share), ..surface },
            Change::HeightFrom(offset) => {
                Surface { height_mm: height_mm + share * (elsewhere(offset).height_mm - height_mm), ..surface }
            }
            Change::Hole if inside > 0.0 => return None,
            Change::Hole => surface,
            Change::Body { albedo: own, height_mm: over } => {
                let dome = over * (1.0 - (distance / (self.radius_mm * uneven)).powi(2)).max(0.0).sqrt();
                Surface { height_mm: height_mm + dome, albedo: blend(albedo, own, share) }
            }
        })
    }
}

/// A place with part all around it.
fn place(piece: &SoundPiece, random: &mut Rng) -> [f32; 2] {
    let mut at = [0.0; 2];
    for _ in 0..TRIES {
        at = [0; 2].map(|_| between(random, -REACH_MM, REACH_MM));
        let around = |i: u8| {
            let angle = TAU * f32::from(i) / 8.0;
            [at[0] + RIM_MM * angle.cos(), at[1] + RIM_MM * angle.sin()]
        };
        if (0..8).all(|i| piece.surface(around(i)).is_some()) {
            break;
        }
    }
    at
}

/// A colour unlike the one at a place.
fn stain(piece: &SoundPiece, at: [f32; 2], random: &mut Rng) -> Albedo {
    let here = piece.surface(at).map_or([0.5; 3], |surface| surface.albedo);
    let mut paint = here;
    for _ in 0..TRIES {
        paint = [0; 3].map(|_| between(random, 0.02, 0.7));
        let difference = difference(here, paint);
        if (0.1..0.3).contains(&difference) {
            break;
        }
    }
    paint
}

/// The colour or the shape of a place that differs most in it, and hardly where one looks no closer: nearest
/// to a mark, or a bump, in the wrong place.
fn mismatch(piece: &SoundPiece, random: &mut Rng) -> Flaw {
    let of_colour = random.bool();
    let radius_mm = between(random, 4.0, 6.0);
    let (mut most, mut best) = (0.0, ([0.0; 2], [0.0; 2]));
    let needed = if of_colour { ALBEDO_DIFFERENCE } else { HEIGHT_DIFFERENCE_MM };
    for _ in 0..TRIES {
        let (at, from) = (place(piece, random), place(piece, random));
        let offset = [from[0] - at[0], from[1] - at[1]];
        let differs = mean_difference(piece, at, offset, radius_mm, of_colour);
        if differs > most {
            (most, best) = (differs, (at, offset));
        }
        if most > needed {
            break;
        }
    }
    let change = if of_colour { Change::ColourFrom(best.1) } else { Change::HeightFrom(best.1) };
    Flaw { at: best.0, radius_mm, rim: random.u32(..), change }
}

/// Between the surroundings of a place and those of the place at `offset`: albedo, or millimetres.
fn mean_difference(piece: &SoundPiece, at: [f32; 2], offset: [f32; 2], radius_mm: f32, of_colour: bool) -> f32 {
    let steps = [-0.8f32, -0.4, 0.0, 0.4, 0.8].map(|share| share * radius_mm);
    let pairs = steps.into_iter().flat_map(|dx| steps.map(|dy| (dx, dy))).filter_map(|(dx, dy)| {
        let here = piece.surface([at[0] + dx, at[1] + dy])?;
        let there = piece.surface([at[0] + dx + offset[0], at[1] + dy + offset[1]])?;
        let height = (here.height_mm - there.height_mm).abs();
        Some(if of_colour { difference(here.albedo, there.albedo) } else { height })
    });
    let (sum, count) = pairs.fold((0.0, 0), |(sum, count), d| (sum + d, count + 1));
    if count == 0 { 0.0 } else { sum / count as f32 }
}
