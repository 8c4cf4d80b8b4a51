//! What parts lie on.

use fastrand::Rng;

use super::solid::Finish;
use super::texture::{brushed, weave};
use crate::procedural::noise::{between, field};

#[derive(Clone, Copy)]
enum Texture {
    /// A belt of cloth.
    Woven,
    /// Granite or worn rubber.
    Speckled,
    Brushed,
}

/// A plate or a belt, as wide as the camera sees.
pub struct Plate {
    texture: Texture,
    finish: Finish,
    /// Of its texture, millimetres.
    unit_mm: f32,
    seed: u32,
}

impl Plate {
    pub fn draw(field_mm: f32, random: &mut Rng) -> Self {
        let texture = [Texture::Woven, Texture::Speckled, Texture::Brushed][random.usize(0..3)];
        let grey = between(random, 0.06, 0.28);
        let albedo = [0; 3].map(|_| grey * between(random, 0.85, 1.15));
        let finish = Finish { gloss: between(random, 0.01, 0.05), ..Finish::matt(albedo) };
        // Three to eight pixels of 400.
        Self { texture, finish, unit_mm: between(random, 3.0, 8.0) * field_mm / 400.0, seed: random.u32(..) }
    }

    pub fn finish(&self, at: [f32; 2]) -> Finish {
        let at = at.map(|x| x / self.unit_mm);
        let factor = match self.texture {
            Texture::Woven => {
                let (height, along_x) = weave(at);
                0.55 + 0.5 * height + if along_x { 0.06 } else { 0.0 }
            }
            Texture::Speckled => {
                1.0 + 0.3 * field(self.seed, 1.5 * at[0], 1.5 * at[1])
                    + 0.15 * field(!self.seed, at[0] / 4.0, at[1] / 4.0)
            }
            Texture::Brushed => 1.0 + 0.25 * brushed(self.seed, at),
        };
        self.finish.times(factor)
    }
}
