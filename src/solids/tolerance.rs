//! What differs from one good part to the next, whatever its kind.

use fastrand::Rng;

use super::solid::Finish;
use crate::procedural::blend::Albedo;
use crate::procedural::noise::normal;

/// Colour, grain and height of one part.
pub struct Tolerance {
    tint: Albedo,
    pub grain: u32,
    /// Heights are so many times those of the drawing.
    pub height: f32,
}

impl Tolerance {
    pub fn draw(random: &mut Rng) -> Self {
        let brightness = 1.0 + 0.02 * normal(random);
        let tint = [0; 3].map(|_| brightness * (1.0 + 0.008 * normal(random)));
        Self { tint, grain: random.u32(..), height: 1.0 + 0.008 * normal(random) }
    }

    pub fn tinted(&self, finish: Finish) -> Finish {
        Finish { albedo: [0, 1, 2].map(|i| (finish.albedo[i] * self.tint[i]).clamp(0.005, 0.95)), ..finish }
    }
}
