//! What a part is: a body in space, and what its surface looks like.

use fastrand::Rng;

use crate::procedural::blend::{Albedo, blend};
use crate::vector::Vector;

/// What a place on a surface looks like.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Finish {
    pub albedo: Albedo,
    /// Share of the light that is mirrored, 0 to 1.
    pub gloss: f32,
    /// How sharp the mirror is: the exponent of Blinn and Phong.
    pub sharpness: f32,
}

impl Finish {
    pub fn matt(albedo: Albedo) -> Self {
        Self { albedo, gloss: 0.03, sharpness: 12.0 }
    }

    pub fn metal(albedo: Albedo) -> Self {
        Self { albedo, gloss: 0.35, sharpness: 40.0 }
    }

    pub fn plastic(albedo: Albedo) -> Self {
        Self { albedo, gloss: 0.08, sharpness: 60.0 }
    }

    pub fn times(self, factor: f32) -> Self {
        Self { albedo: self.albedo.map(|a| a * factor), ..self }
    }

    pub fn blended(self, other: Self, share: f32) -> Self {
        let mix = |a: f32, b: f32| a + share * (b - a);
        Self {
            albedo: blend(self.albedo, other.albedo, share),
            gloss: mix(self.gloss, other.gloss),
            sharpness: mix(self.sharpness, other.sharpness),
        }
    }
}

/// A part in its own frame: x and y along the plate, z up from its underside, millimetres.
pub trait Solid: Send + Sync {
    /// To its surface, negative inside; nowhere much more than the true distance.
    fn distance(&self, p: Vector) -> f32;

    /// At a place on its surface.
    fn finish(&self, p: Vector) -> Finish;

    /// Moves a feature to where it does not belong.
    fn misplace(&mut self, random: &mut Rng);

    /// Leaves a feature out.
    fn omit(&mut self, random: &mut Rng);
}
