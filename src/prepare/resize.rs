//! Square pad and resize to the network's H x W (section 4).

use crate::shapes::{H, P, RGB, W};

/// How a frame lies in the square that it is padded to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Square {
    pub side: usize,
    pub top: usize,
    pub left: usize,
}

impl Square {
    /// The frame in the middle; an odd pixel goes below or to the right.
    pub fn around(width: usize, height: usize) -> Self {
        let side = width.max(height);
        Self { side, top: (side - height) / 2, left: (side - width) / 2 }
    }

    /// The network pixel, of P, that a pixel of the frame lies in.
    pub fn network_pixel(&self, x: usize, y: usize) -> usize {
        (y + self.top) * H / self.side * W + (x + self.left) * W / self.side
    }
}

/// Fraction bits of a weight: a sum of weights times bytes stays within 32 bits, as in Pillow.
const WEIGHT_BITS: u32 = 22;
/// Pillow's bicubic.
const CUBIC: f64 = -0.5;
/// Half the width of the bicubic kernel.
const SUPPORT: f64 = 2.0;

/// Bicubic with antialiasing as Pillow's, byte for byte: columns first, rounded, then rows. Weights are made once
/// for a size, and the padding is never built: a tap beyond the frame is its edge.
#[derive(Default)]
pub struct Resizer {
    size: (usize, usize),
    columns: Taps,
    rows: Taps,
    /// Columns resized, `[height, W, 3]`.
    narrow: Vec<u8>,
    /// `[H, W, 3]`.
    resized: Vec<u8>,
}

impl Resizer {
    /// `[height, width, 3]` -> `[H, W, 3]`, padded to a square by its edge.
    pub fn rgb(&mut self, rgb: &[u8], width: usize, height: usize) -> &[u8] {
        if self.size != (width, height) {
            let square = Square::around(width, height);
            self.columns = Taps::new(square.side, square.left, width);
            self.rows = Taps::new(square.side, square.top, height);
            self.size = (width, height);
        }
        self.narrow.resize(height * W * RGB, 0);
        for (from, to) in rgb.chunks_exact(width * RGB).zip(self.narrow.chunks_exact_mut(W * RGB)) {
            for ((taps, weights), to) in self.columns.of_each().zip(to.as_chunks_mut::<RGB>().0) {
                let mut sum = [1 << (WEIGHT_BITS - 1); RGB];
                for (&tap, &weight) in taps.iter().zip(weights) {
                    let pixel = &from[tap as usize * RGB..][..RGB];
                    (0..RGB).for_each(|c| sum[c] += weight * i32::from(pixel[c]));
                }
                *to = sum.map(to_byte);
            }
        }
        self.resized.resize(P * RGB, 0);
        for ((taps, weights), to) in self.rows.of_each().zip(self.resized.chunks_exact_mut(W * RGB)) {
            let mut sum = [1 << (WEIGHT_BITS - 1); W * RGB];
            for (&tap, &weight) in taps.iter().zip(weights) {
                let row = &self.narrow[tap as usize * W * RGB..][..W * RGB];
                sum.iter_mut().zip(row).for_each(|(sum, &v)| *sum += weight * i32::from(v));
            }
            to.iter_mut().zip(sum).for_each(|(to, sum)| *to = to_byte(sum));
        }
        &self.resized
    }
}

fn to_byte(sum: i32) -> u8 {
    (sum >> WEIGHT_BITS).clamp(0, 255) as u8
}

/// Where each output of one axis is taken from, and by what weights, `[out, taps]`.
#[derive(Default)]
struct Taps {
    source: Vec<u32>,
    weight: Vec<i32>,
    /// Of one output; those that need fewer have weights of zero.
    count: usize,
}

impl Taps {
    /// From a side of `side` pixels, of which `length` after `lead` are there, to W.
    fn new(side: usize, lead: usize, length: usize) -> Self {
        let scale = side as f64 / W as f64;
        let wide = scale.max(1.0);
        let count = 2 * (SUPPORT * wide).ceil() as usize + 1;
        let (mut source, mut weight) = (Vec::with_capacity(W * count), Vec::with_capacity(W * count));
        for out in 0..W {
            let centre = (out as f64 + 0.5) * scale;
            let first = (centre - SUPPORT * wide + 0.5).max(0.0) as usize;
            let last = ((centre + SUPPORT * wide + 0.5) as usize).min(side);
            let raw = |i: usize| if i < last { cubic((i as f64 - centre + 0.5) / wide) } else { 0.0 };
            let total: f64 = (first..last).map(raw).sum();
            source.extend((first..first + count).map(|i| i.saturating_sub(lead).min(length - 1) as u32));
            weight
                .extend((first..first + count).map(|i| (raw(i) / total * f64::from(1 << WEIGHT_BITS)).round() as i32));
        }
        Self { source, weight, count }
    }

    fn of_each(&self) -> impl Iterator<Item = (&[u32], &[i32])> {
        self.source.chunks_exact(self.count).zip(self.weight.chunks_exact(self.count))
    }
}

fn cubic(x: f64) -> f64 {
    let x = x.abs();
    if x < 1.0 {
        ((CUBIC + 2.0) * x - (CUBIC + 3.0)) * x * x + 1.0
    } else if x < 2.0 {
        (((x - 5.0) * x + 8.0) * x - 4.0) * CUBIC
    } else {
        0.0
    }
}

/// `[height, width]` -> `[P]`: padded by `pad`, nearest, source index floor(i in / out).
pub fn nearest<T: Copy>(values: &[T], width: usize, height: usize, pad: T) -> Vec<T> {
    let mut out = Vec::new();
    nearest_of(|i| values[i], width, height, pad, &mut out);
    out
}

/// [`nearest`] of what `at` gives for a source index, into a buffer that is used again.
pub fn nearest_of<T: Copy>(at: impl Fn(usize) -> T, width: usize, height: usize, pad: T, out: &mut Vec<T>) {
    let square = Square::around(width, height);
    let axis =
        |i: usize, out: usize, lead: usize, len: usize| (i * square.side / out).checked_sub(lead).filter(|&s| s < len);
    out.clear();
    for i in 0..H {
        let y = axis(i, H, square.top, height);
        for j in 0..W {
            let x = axis(j, W, square.left, width);
            out.push(y.zip(x).map_or(pad, |(y, x)| at(y * width + x)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_even_colour_stays() {
        let mut resizer = Resizer::default();
        for (width, height) in [(1, 1), (224, 224), (300, 7), (3, 500)] {
            let out = resizer.rgb(&[10, 20, 30].repeat(width * height), width, height);
            assert_eq!(out, [10, 20, 30].repeat(H * W), "{width} x {height}");
        }
    }

    #[test]
    fn an_image_of_the_network_s_size_stays() {
        let image: Vec<u8> = (0..P * RGB).map(|i| (i * 7 % 251) as u8).collect();
        assert_eq!(Resizer::default().rgb(&image, W, H), image);
    }

    #[test]
    fn one_point_spreads_over_the_square() {
        assert!(nearest(&[[1.0, 2.0, 3.0]], 1, 1, [0.0; 3]).iter().all(|p| *p == [1.0, 2.0, 3.0]));
    }

    #[test]
    fn the_padding_has_no_points() {
        let out = nearest(&vec![[0.0, 0.0, 1.0]; 448 * 224], 448, 224, [0.0; 3]);
        assert_eq!(out.iter().filter(|p| p[2] != 0.0).count(), H / 2 * W);
        assert_eq!(out[0], [0.0; 3]);
    }
}
