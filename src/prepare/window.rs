//! The square of a photograph that becomes the network's H x W.

use serde::{Deserialize, Serialize};

use crate::frame::Region;
use crate::shapes::{H, P, W};

/// A square of pixels, and the part of it that the photograph shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Window {
    /// Its upper left corner in pixels of the photograph, which may lie outside of it.
    pub left: isize,
    /// Row of that corner, likewise.
    pub top: isize,
    /// Pixels of the photograph.
    pub side: usize,
    /// What exists: elsewhere there is no point, and the colour is that of the nearest pixel inside.
    pub bounds: Region,
}

impl Default for Window {
    /// A photograph of the network's own size.
    fn default() -> Self {
        Self::around(Region::of_size(W, H))
    }
}

impl Window {
    /// The smallest window with all of `bounds`, which lie in its middle; an odd pixel goes below or to the right
    /// (section 4: frames are padded to a square).
    pub fn around(bounds: Region) -> Self {
        let side = bounds.width.max(bounds.height);
        let (left, top) = ((side - bounds.width) / 2, (side - bounds.height) / 2);
        Self { left: bounds.x as isize - left as isize, top: bounds.y as isize - top as isize, side, bounds }
    }

    /// The window of `side` pixels with `middle`, pixels `[x, y]`, in its middle.
    #[doc(hidden)]
    pub fn about(middle: [f32; 2], side: usize, bounds: Region) -> Self {
        let corner = |at: f32| (at - side as f32 / 2.0).round() as isize;
        Self { left: corner(middle[0]), top: corner(middle[1]), side, bounds }
    }

    /// The same window in a photograph of which its own is a cut-out that begins at `x`, `y`.
    #[doc(hidden)]
    pub fn moved(self, x: usize, y: usize) -> Self {
        let bounds = Region { x: self.bounds.x + x, y: self.bounds.y + y, ..self.bounds };
        Self { left: self.left + x as isize, top: self.top + y as isize, bounds, ..self }
    }

    /// The network pixel, of P, that a pixel of the photograph lies in; none outside the window.
    pub fn network_pixel(&self, x: usize, y: usize) -> Option<usize> {
        let inside = |at: usize, lead: isize| usize::try_from(at as isize - lead).ok().filter(|at| *at < self.side);
        let (column, row) = (inside(x, self.left)?, inside(y, self.top)?);
        Some(row * H / self.side * W + column * W / self.side)
    }

    /// Whether it shows a pixel of the photograph.
    pub fn shows(&self, x: usize, y: usize) -> bool {
        let Region { x: left, y: top, .. } = self.bounds;
        let is_there = (left..self.bounds.right()).contains(&x) && (top..self.bounds.bottom()).contains(&y);
        is_there && self.network_pixel(x, y).is_some()
    }

    /// Where a pixel of the photograph, or the middle between some, lies in the network frame: `[x, y]` in pixels from
    /// the middle of the first one.
    pub fn network_place(&self, x: usize, y: usize) -> [f32; 2] {
        let along = |at: usize, lead: isize, out: usize| {
            ((at as isize - lead) as f32 + 0.5) * out as f32 / self.side as f32 - 0.5
        };
        [along(x, self.left, W), along(y, self.top, H)]
    }

    /// Where the middle of a network pixel, of P, lies in the photograph: `[x, y]` in pixels from the middle of the first one.
    pub fn photograph_place(&self, pixel: usize) -> [f32; 2] {
        self.photograph_at([(pixel % W) as f32, (pixel / W) as f32])
    }

    /// Where a place of the network frame lies in the photograph: `[x, y]`, both in pixels from the middle of the first one.
    pub fn photograph_at(&self, [x, y]: [f32; 2]) -> [f32; 2] {
        let along = |at: f32, lead: isize, out: usize| (at + 0.5) * self.side as f32 / out as f32 - 0.5 + lead as f32;
        [along(x, self.left, W), along(y, self.top, H)]
    }

    /// The pixel of the photograph that a network column or row takes its point from: index floor(i side / out).
    fn source(&self, i: usize, out: usize, lead: isize, first: usize, end: usize) -> Option<usize> {
        let at = usize::try_from((i * self.side / out) as isize + lead).ok()?;
        (first..end).contains(&at).then_some(at)
    }

    /// For each network pixel in row-major order, `[P]`, what `at` gives for its pixel `(x, y)` of the photograph, or
    /// `pad` where there is none.
    #[doc(hidden)]
    pub fn nearest_into<T: Copy>(&self, at: impl Fn(usize, usize) -> T, pad: T, out: &mut Vec<T>) {
        let Region { x, y, .. } = self.bounds;
        let columns: [Option<usize>; W] = std::array::from_fn(|j| self.source(j, W, self.left, x, self.bounds.right()));
        out.clear();
        for i in 0..H {
            let row = self.source(i, H, self.top, y, self.bounds.bottom());
            out.extend(columns.iter().map(|column| row.zip(*column).map_or(pad, |(y, x)| at(x, y))));
        }
    }

    /// [`Self::nearest_into`] of `values`, `[height, width]` of the whole photograph.
    pub fn nearest<T: Copy>(&self, values: &[T], width: usize, pad: T) -> Vec<T> {
        let mut out = Vec::with_capacity(P);
        self.nearest_into(|x, y| values[y * width + x], pad, &mut out);
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(width: usize, height: usize) -> Window {
        Window::around(Region::of_size(width, height))
    }

    #[test]
    fn one_point_spreads_over_the_square() {
        assert!(whole(1, 1).nearest(&[[1.0, 2.0, 3.0]], 1, [0.0; 3]).iter().all(|p| *p == [1.0, 2.0, 3.0]));
    }

    #[test]
    fn the_padding_has_no_points() {
        let out = whole(448, 224).nearest(&vec![[0.0, 0.0, 1.0]; 448 * 224], 448, [0.0; 3]);
        assert_eq!(out.iter().filter(|p| p[2] != 0.0).count(), H / 2 * W);
        assert_eq!(out[0], [0.0; 3]);
    }

    #[test]
    fn a_window_beyond_the_photograph_shows_what_there_is() {
        let bounds = Region::of_size(300, 200);
        let window = Window::about([10.0, 190.0], 2 * W, bounds);
        assert_eq!((window.left, window.top), (10 - W as isize, 190 - H as isize));
        let pixels: Vec<Option<(usize, usize)>> = (0..300 * 200).map(|i| Some((i % 300, i / 300))).collect();
        let out = window.nearest(&pixels, 300, None);
        for (network, pixel) in out.iter().enumerate() {
            let (x, y) = ((2 * (network % W)) as isize + window.left, (2 * (network / W)) as isize + window.top);
            let inside = (0..300).contains(&x) && (0..200).contains(&y);
            assert_eq!(*pixel, inside.then_some((x as usize, y as usize)));
            assert!(pixel.is_none_or(|(x, y)| window.network_pixel(x, y) == Some(network)));
        }
        assert_eq!(window.network_pixel(299, 0), None);
        assert_eq!(window.network_pixel(0, 199), Some((199 - window.top) as usize / 2 * W + (W - 10) / 2));
    }

    #[test]
    fn a_cut_out_s_window_is_that_of_the_photograph_moved() {
        let window = whole(100, 60).moved(30, 20);
        assert_eq!(window, Window::around(Region { x: 30, y: 20, width: 100, height: 60 }));
        assert_eq!(window.network_pixel(30, 20), whole(100, 60).network_pixel(0, 0));
        assert_eq!(window.network_place(30, 20), whole(100, 60).network_place(0, 0));
    }
}
