//! Textures: fields over space and plane, grains with a direction, and printed strokes. Values are -1 to 1 where nothing
//! else is said.

use crate::procedural::noise::field;
use crate::vector::Vector;

use super::shape::slot;

/// A smooth field in space, with hills of about one unit: three plane fields, so that no direction is left out.
pub fn field_in_space(seed: u32, [x, y, z]: Vector) -> f32 {
    (field(seed, x + 0.37 * z, y) + field(seed ^ 0x51ED, y - 0.61 * z, z + 0.3 * x) + field(seed ^ 0xA3C1, z, x)) / 1.8
}

/// Finer and finer hills, each octave half as high.
pub fn rough(seed: u32, p: Vector) -> f32 {
    let octave = |i: u32| {
        let scale = (1 << i) as f32;
        field_in_space(seed.wrapping_add(i), p.map(|x| scale * x)) / scale
    };
    (octave(0) + octave(1) + octave(2)) / 1.75
}

/// Lines along x that are `1 / 12` as wide as they are long: brushed metal.
pub fn brushed(seed: u32, [x, y]: [f32; 2]) -> f32 {
    0.6 * field(seed, x / 6.0, 2.0 * y) + 0.4 * field(seed ^ 0x77, x / 9.0, 5.0 * y)
}

/// Year rings cut along x: 0 is early wood, 1 is late wood.
pub fn wood(seed: u32, [x, y]: [f32; 2]) -> f32 {
    let bent = y + 1.6 * field(seed, x / 9.0, y / 3.0) + 0.3 * field(seed ^ 0x1F, x / 2.5, 1.2 * y);
    let ring = bent.rem_euclid(1.0);
    let fibre = 0.25 * field(seed ^ 0x3B, x / 3.0, 9.0 * y);
    (ring * ring + fibre).clamp(0.0, 1.0)
}

/// Threads over and under, each one unit wide: how high the upper one is, 0 to 1, and whether it runs along x.
pub fn weave([x, y]: [f32; 2]) -> (f32, bool) {
    let along_x = (x.floor() + y.floor()).rem_euclid(2.0) < 1.0;
    let (u, v) = (x.rem_euclid(1.0) - 0.5, y.rem_euclid(1.0) - 0.5);
    let (length, across) = if along_x { (u, v) } else { (v, u) };
    ((1.0 - 2.2 * across * across - 1.2 * length * length).max(0.0), along_x)
}

/// Ends of the strokes that a sign may have, in a cell of 1 x 1.6 that begins at the lower left.
const STROKES: [([f32; 2], [f32; 2]); 10] = [
    ([0.0, 0.0], [0.0, 0.8]),
    ([0.0, 0.8], [0.0, 1.6]),
    ([0.8, 0.0], [0.8, 0.8]),
    ([0.8, 0.8], [0.8, 1.6]),
    ([0.0, 0.0], [0.8, 0.0]),
    ([0.0, 0.8], [0.8, 0.8]),
    ([0.0, 1.6], [0.8, 1.6]),
    ([0.0, 0.0], [0.8, 1.6]),
    ([0.0, 1.6], [0.8, 0.0]),
    ([0.4, 0.0], [0.4, 1.6]),
];

/// Signs that look like letters, in a row along x from the origin.
#[derive(Clone, Copy)]
pub struct Print {
    /// Which signs they are.
    pub text: u32,
    pub signs: usize,
    /// Of a sign, millimetres.
    pub height_mm: f32,
}

impl Print {
    /// How far a place is inside a stroke, millimetres; negative beside it.
    pub fn inside_mm(&self, [x, y]: [f32; 2]) -> f32 {
        let unit = self.height_mm / 1.6;
        let (column, v) = ((x / (1.25 * unit)).floor(), y / unit);
        if column < 0.0 || column >= self.signs as f32 || !(-0.2..=1.8).contains(&v) {
            return -self.height_mm;
        }
        let place = [x / unit - 1.25 * column - 0.15, v];
        let mut bits = (self.text ^ (column as u32 + 1).wrapping_mul(0x9E37_79B1)).wrapping_mul(0x85EB_CA77);
        bits ^= bits >> 13;
        // Three strokes at least, so that no sign is empty.
        let wanted = (bits & 0x3FF) | 1 << (bits >> 10 & 3) | 1 << (4 + (bits >> 12) % 3) | 1 << (bits >> 14 & 7);
        let distance = |(i, (a, b)): (usize, &([f32; 2], [f32; 2]))| {
            let is_there = wanted >> i & 1 == 1 && (i < 7 || bits >> 17 & 3 == i as u32 - 7);
            if is_there { slot(place, *a, *b, 0.11) } else { f32::MAX }
        };
        -unit * STROKES.iter().enumerate().map(distance).fold(1.0, f32::min)
    }

    pub fn length_mm(&self) -> f32 {
        1.25 * self.height_mm / 1.6 * self.signs as f32
    }
}

/// Bars of a code, along x: whether there is one.
pub fn is_bar(seed: u32, x: f32, unit: f32) -> bool {
    field(seed, (x / unit).floor() + 0.5, 0.5) > 0.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sign_has_strokes_and_no_two_texts_are_alike() {
        let print = |text: u32| {
            let print = Print { text, signs: 6, height_mm: 8.0 };
            let row = (0..6 * 20 * 30).map(|i| [(i % 120) as f32 / 120.0 * print.length_mm(), (i / 120) as f32 / 3.0]);
            row.map(|at| print.inside_mm(at) > 0.0).collect::<Vec<bool>>()
        };
        let [one, other] = [1, 2].map(print);
        for sign in 0..6 {
            let inked = (0..one.len()).filter(|i| i % 120 / 20 == sign && one[*i]).count();
            assert!((30..400).contains(&inked), "sign {sign}: {inked} of 600");
        }
        assert_ne!(one, other);
    }

    #[test]
    fn brushed_metal_changes_across_its_lines() {
        let change = |dx: f32, dy: f32| {
            let places = (0..400).map(|i| [0.31 * i as f32, 0.17 * i as f32]);
            places.map(|[x, y]| (brushed(5, [x + dx, y + dy]) - brushed(5, [x, y])).abs()).sum::<f32>()
        };
        assert!(change(0.0, 0.3) > 4.0 * change(0.3, 0.0));
    }
}
