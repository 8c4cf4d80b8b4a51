//! The choice of the pixels that are evaluated, and the interpolation of those between them.

use crate::backend::maps::AnomalyMaps;
use crate::prepare::Stride;
use crate::shapes::{H, P, W};
use crate::spatial::rows::SparseRows;

/// The pixels of a frame at which psi is evaluated.
#[derive(Default)]
pub struct Pixels {
    /// Pixels that are evaluated.
    pub chosen: Vec<u32>,
    /// Valid pixels between them, which are interpolated.
    between: Vec<u32>,
}

impl Pixels {
    pub fn with_capacity() -> Self {
        Self { chosen: Vec::with_capacity(P), between: Vec::with_capacity(P) }
    }

    /// Chooses among the pixels that have a shape feature, and marks all of these as valid.
    pub fn choose(&mut self, rows: &SparseRows, stride: Stride, maps: &mut AnomalyMaps) {
        maps.silence();
        self.chosen.clear();
        self.between.clear();
        (0..P).for_each(|pixel| maps.valid[pixel] = !rows.row(pixel).is_empty());
        for pixel in (0..P).filter(|&pixel| maps.valid[pixel]) {
            // A pixel without an evaluated pixel around it is evaluated itself.
            let evaluated = stride == Stride::One || is_node(pixel) || !nodes(pixel).any(|node| maps.valid[node]);
            if evaluated { self.chosen.push(pixel as u32) } else { self.between.push(pixel as u32) }
        }
    }

    /// Writes psi of the chosen pixels to a map. A pixel between them gets the mean of the valid nodes around it, which
    /// is bilinear interpolation.
    pub fn spread(&self, psi: &[f32], valid: &[bool], map: &mut [f32]) {
        for (&pixel, &psi) in self.chosen.iter().zip(psi) {
            map[pixel as usize] = psi;
        }
        for &pixel in &self.between {
            let around = nodes(pixel as usize).filter(|&node| valid[node]);
            let (sum, count) = around.fold((0.0, 0.0), |(sum, count), node| (sum + map[node], count + 1.0));
            map[pixel as usize] = sum / count;
        }
    }
}

/// Whether a pixel is on the grid of every second pixel in both directions.
fn is_node(pixel: usize) -> bool {
    (pixel / W).is_multiple_of(2) && (pixel % W).is_multiple_of(2)
}

/// The nodes around a pixel that is not a node: two or four at the same distance; fewer at the edge.
fn nodes(pixel: usize) -> impl Iterator<Item = usize> {
    let (y, x) = (pixel / W, pixel % W);
    let around = |i: usize, n: usize| [i & !1, (i + 1) & !1].into_iter().take(1 + i % 2).filter(move |&i| i < n);
    around(y, H).flat_map(move |y| around(x, W).map(move |x| y * W + x))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_are_the_even_neighbours() {
        let of = |y: usize, x: usize| nodes(y * W + x).map(|node| (node / W, node % W)).collect::<Vec<_>>();
        assert_eq!(of(4, 6), [(4, 6)]);
        assert_eq!(of(4, 7), [(4, 6), (4, 8)]);
        assert_eq!(of(5, 6), [(4, 6), (6, 6)]);
        assert_eq!(of(5, 7), [(4, 6), (4, 8), (6, 6), (6, 8)]);
        assert_eq!(of(H - 1, W - 1), [(H - 2, W - 2)]);
    }

    #[test]
    fn a_plane_stays_a_plane() {
        let mut valid = vec![true; P];
        valid[0] = false;
        let plane = |pixel: u32| (pixel as usize / W) as f32 + 2.0 * (pixel as usize % W) as f32;
        let (chosen, between) = (0..P as u32).partition::<Vec<_>, _>(|&pixel| is_node(pixel as usize));
        let pixels = Pixels { chosen, between };
        let mut map = vec![0.0; P];
        pixels.spread(&pixels.chosen.iter().map(|&pixel| plane(pixel)).collect::<Vec<_>>(), &valid, &mut map);
        let inside =
            |pixel: &u32| (2..H - 1).contains(&(*pixel as usize / W)) && (2..W - 1).contains(&(*pixel as usize % W));
        for pixel in (0..P as u32).filter(inside) {
            assert_eq!(map[pixel as usize], plane(pixel));
        }
        // Beside a node that is not valid, only the other node counts.
        assert_eq!(map[1], plane(2));
    }
}
