//! Colours of a window at the network's H x W (section 4).

use super::window::Window;
use crate::shapes::{P, RGB, W};

/// Fraction bits of a weight: a sum of weights times bytes stays within 32 bits, as in Pillow.
const WEIGHT_BITS: u32 = 22;
/// Pillow's bicubic.
const CUBIC: f64 = -0.5;
/// Half the width of the bicubic kernel.
const SUPPORT: f64 = 2.0;

/// Bicubic with antialiasing as Pillow's, byte for byte: columns first, rounded, then rows. The padding is never built:
/// a tap outside the window's bounds is the nearest pixel inside them.
#[derive(Default)]
pub struct Resizer {
    /// What the taps were made for.
    window: Option<Window>,
    columns: Taps,
    rows: Taps,
    /// Columns resized, `[height, W, 3]`; only the rows that are used are written.
    narrow: Vec<u8>,
    /// `[H, W, 3]`.
    resized: Vec<u8>,
}

impl Resizer {
    /// `[height, width, 3]` -> `[H, W, 3]`.
    pub fn rgb(&mut self, rgb: &[u8], width: usize, window: &Window) -> &[u8] {
        let (height, bounds) = (rgb.len() / (width * RGB), window.bounds);
        if self.window != Some(*window) {
            self.columns.reserve(width.max(height));
            self.rows.reserve(width.max(height));
            self.columns.make(window.side, window.left, bounds.x, bounds.right());
            self.rows.make(window.side, window.top, bounds.y, bounds.bottom());
            self.window = Some(*window);
        }
        self.narrow.resize(height * W * RGB, 0);
        let used = self.rows.range();
        let rows = rgb.chunks_exact(width * RGB).zip(self.narrow.chunks_exact_mut(W * RGB));
        for (from, to) in rows.take(used.end).skip(used.start) {
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

/// Pixels that one output is taken from, where it is `wide` of them.
fn taps(wide: f64) -> usize {
    2 * (SUPPORT * wide).ceil() as usize + 1
}

impl Taps {
    /// Takes the memory for windows of any side up to that of the photograph.
    fn reserve(&mut self, side: usize) {
        let most = W * taps((side as f64 / W as f64).max(1.0));
        self.source.clear();
        self.weight.clear();
        self.source.reserve(most);
        self.weight.reserve(most);
    }

    /// From a side of `side` pixels that begins at pixel `lead` of the photograph to W. What lies outside `first..end` is
    /// the nearest pixel inside.
    fn make(&mut self, side: usize, lead: isize, first: usize, end: usize) {
        let scale = side as f64 / W as f64;
        let wide = scale.max(1.0);
        let count = taps(wide);
        let inside = |i: usize| (i as isize + lead).clamp(first as isize, end as isize - 1) as u32;
        self.count = count;
        self.source.clear();
        self.weight.clear();
        for out in 0..W {
            let centre = (out as f64 + 0.5) * scale;
            let begin = (centre - SUPPORT * wide + 0.5).max(0.0) as usize;
            let last = ((centre + SUPPORT * wide + 0.5) as usize).min(side);
            let raw = |i: usize| if i < last { cubic((i as f64 - centre + 0.5) / wide) } else { 0.0 };
            let total: f64 = (begin..last).map(raw).sum();
            self.source.extend((begin..begin + count).map(inside));
            let whole = f64::from(1 << WEIGHT_BITS);
            self.weight.extend((begin..begin + count).map(|i| (raw(i) / total * whole).round() as i32));
        }
    }

    /// From the first to beyond the last pixel that is taken.
    fn range(&self) -> std::ops::Range<usize> {
        let ends = self.source.iter().min().zip(self.source.iter().max());
        ends.map_or(0..0, |(first, last)| *first as usize..*last as usize + 1)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::Region;
    use crate::shapes::H;

    fn resized(rgb: &[u8], width: usize, window: &Window) -> Vec<u8> {
        Resizer::default().rgb(rgb, width, window).to_vec()
    }

    #[test]
    fn an_even_colour_stays() {
        let mut resizer = Resizer::default();
        for (width, height) in [(1, 1), (224, 224), (300, 7), (3, 500)] {
            let rgb = [10, 20, 30].repeat(width * height);
            let out = resizer.rgb(&rgb, width, &Window::around(Region::of_size(width, height)));
            assert_eq!(out, [10, 20, 30].repeat(H * W), "{width} x {height}");
        }
    }

    #[test]
    fn an_image_of_the_network_s_size_stays() {
        let image: Vec<u8> = (0..P * RGB).map(|i| (i * 7 % 251) as u8).collect();
        assert_eq!(resized(&image, W, &Window::default()), image);
    }

    #[test]
    fn a_window_is_what_its_cut_out_would_be() {
        let (width, height) = (320, 260);
        let rgb: Vec<u8> = (0..width * height * RGB).map(|i| (i * i % 253) as u8).collect();
        let mut resizer = Resizer::default();
        for bounds in [Region { x: 40, y: 9, width: 250, height: 180 }, Region { x: 3, y: 100, width: 90, height: 120 }]
        {
            let row = |y: usize| &rgb[(y * width + bounds.x) * RGB..(y * width + bounds.right()) * RGB];
            let cut: Vec<u8> = (bounds.y..bounds.bottom()).flat_map(row).copied().collect();
            let want = resized(&cut, bounds.width, &Window::around(Region::of_size(bounds.width, bounds.height)));
            assert!(resizer.rgb(&rgb, width, &Window::around(bounds)) == want, "{bounds:?}");
        }
    }

    #[test]
    fn beyond_the_photograph_is_its_edge() {
        let mut rgb = vec![0; 100 * 50 * RGB];
        rgb.chunks_exact_mut(100 * RGB).for_each(|row| row[..RGB].fill(200));
        let out = resized(&rgb, 100, &Window::about([-60.0, 25.0], 40, Region::of_size(100, 50)));
        assert_eq!(out, [200].repeat(P * RGB));
    }
}
