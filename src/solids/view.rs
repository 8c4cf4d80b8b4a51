//! What every pixel sees, without light and noise.

use crate::procedural::blend::{Albedo, is_changed};
use crate::vector::Vector;

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Thing {
    Plate,
    Part,
}

#[derive(Clone, Copy)]
pub struct Seen {
    pub depth_mm: f32,
    pub albedo: Albedo,
    pub gloss: f32,
    pub sharpness: f32,
    /// Out of the surface, over the plate.
    pub normal: Vector,
    /// Share of the light that is not in a shadow.
    pub lit: f32,
    /// Whether the sensor's other eye, its projector or second camera, sees the place too.
    pub by_both: bool,
    pub thing: Thing,
}

impl Seen {
    pub fn grey(&self) -> f32 {
        self.albedo.iter().sum::<f32>() / 3.0
    }
}

/// All pixels, `[side, side]`.
pub struct View {
    pub side: usize,
    pub seen: Vec<Seen>,
}

impl View {
    pub fn part_mask(&self) -> Vec<bool> {
        self.seen.iter().map(|s| s.thing == Thing::Part).collect()
    }

    /// The pixels at most `reach` columns and rows away, those of the frame.
    pub fn around(&self, pixel: usize, reach: usize) -> impl Iterator<Item = usize> + use<> {
        let (side, u, v) = (self.side, pixel % self.side, pixel / self.side);
        let columns = u.saturating_sub(reach)..(u + reach + 1).min(side);
        (v.saturating_sub(reach)..(v + reach + 1).min(side))
            .flat_map(move |v| columns.clone().map(move |u| v * side + u))
    }

    /// Pixels where another view of the same scene differs.
    pub fn differences(&self, other: &Self, depth_changed_mm: f32) -> Vec<bool> {
        let differs = |(a, b): (&Seen, &Seen)| {
            a.thing != b.thing || is_changed(a.albedo, b.albedo) || (a.depth_mm - b.depth_mm).abs() > depth_changed_mm
        };
        self.seen.iter().zip(&other.seen).map(differs).collect()
    }
}
