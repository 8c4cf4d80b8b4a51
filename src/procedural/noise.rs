//! Random numbers and random fields.

use fastrand::Rng;

use crate::random;
pub use crate::random::{between, normal};

/// Random numbers for one purpose at one station of `part`: parts, frames and purposes do not disturb each other.
pub fn stream(part: &str, seed: u64, index: u64, purpose: &str) -> Rng {
    let numbers = [seed, index].into_iter().flat_map(u64::to_le_bytes);
    random::stream(numbers.chain(part.bytes()).chain(purpose.bytes()))
}

/// Between two values above 0, with every factor as likely as another.
pub fn between_log(random: &mut Rng, from: f32, to: f32) -> f32 {
    from * (to / from).powf(random.f32())
}

/// A smooth field over the plane, -1 to 1, whose hills are about one unit wide: values on a lattice, blended.
pub fn field(seed: u32, x: f32, y: f32) -> f32 {
    let (column, row) = (x.floor(), y.floor());
    let [u, v] = [x - column, y - row].map(|t| t * t * (3.0 - 2.0 * t));
    let at = |i: i32, j: i32| lattice(seed, column as i32 + i, row as i32 + j);
    let along = |j| at(0, j) + u * (at(1, j) - at(0, j));
    along(0) + v * (along(1) - along(0))
}

fn lattice(seed: u32, column: i32, row: i32) -> f32 {
    let mut hash = seed ^ (column as u32).wrapping_mul(0x9E37_79B1) ^ (row as u32).wrapping_mul(0x85EB_CA77);
    hash = (hash ^ (hash >> 15)).wrapping_mul(0x2C1B_3C6D);
    hash = (hash ^ (hash >> 12)).wrapping_mul(0x297A_2D39);
    (hash ^ (hash >> 15)) as f32 / (u32::MAX as f32 / 2.0) - 1.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_field_is_smooth_bounded_and_not_flat() {
        let line: Vec<f32> = (0..2_000).map(|i| field(7, 0.01 * i as f32 - 10.0, 0.3)).collect();
        assert!(line.iter().all(|v| v.abs() <= 1.0));
        assert!(line.windows(2).all(|w| (w[1] - w[0]).abs() < 0.04));
        let (least, most) = line.iter().fold((1.0f32, -1.0f32), |(a, b), v| (a.min(*v), b.max(*v)));
        assert!(most - least > 0.8, "{least} {most}");
    }
}
