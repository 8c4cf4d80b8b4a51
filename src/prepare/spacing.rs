//! How far apart the points of neighbouring network pixels lie.

use crate::frame::is_point;
use crate::median::median;
use crate::shapes::{H, W};

/// Network pixels between the two points of a pair for [`pixel_area_mm2`]. Network pixels take the nearest pixel of the
/// photograph, so that the step from one to the next is a whole number of those; over eight steps this evens out.
const REACH: usize = 8;

/// Pairs of network pixels that lie `[columns, rows]` apart, of which every so many-th column and row is looked at.
pub struct Pairs {
    pub apart: [usize; 2],
    pub every: usize,
}

impl Pairs {
    /// The median over the pairs in `network`, `[P]`, that have both points, of `length` from one to the other; none without
    /// a pair. `lengths` is memory that is overwritten.
    pub fn median(
        &self,
        network: &[[f32; 3]],
        length: impl Fn([f32; 3], [f32; 3]) -> f32,
        lengths: &mut Vec<f32>,
    ) -> Option<f32> {
        let &Self { apart: [columns, rows], every } = self;
        lengths.clear();
        for y in (0..(network.len() / W).saturating_sub(rows)).step_by(every) {
            for x in (0..W.saturating_sub(columns)).step_by(every) {
                let (from, to) = (network[y * W + x], network[(y + rows) * W + x + columns]);
                if is_point(&from) && is_point(&to) {
                    lengths.push(length(from, to));
                }
            }
        }
        median(lengths)
    }
}

/// The median distance between the points of two network pixels that lie `[columns, rows]` apart, metres; none where no
/// such pair of `network`, `[P]`, has both points.
pub fn spacing_m(network: &[[f32; 3]], apart: [usize; 2]) -> Option<f32> {
    let distance = |a: [f32; 3], b: [f32; 3]| a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f32>().sqrt();
    Pairs { apart, every: 1 }.median(network, distance, &mut Vec::new())
}

/// The area of the surface that one network pixel shows, mm2; none where the points, `[P]`, do not tell it.
pub fn pixel_area_mm2(network: &[[f32; 3]]) -> Option<f64> {
    const _: () = assert!(REACH < W && REACH < H);
    let along = |apart| spacing_m(network, apart).map(|spacing_m| 1e3 * f64::from(spacing_m) / REACH as f64);
    let area_mm2 = along([REACH, 0])? * along([0, REACH])?;
    (area_mm2 > 0.0).then_some(area_mm2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::Region;
    use crate::prepare::window::Window;
    use crate::shapes::P;

    /// A plane before a camera at `[columns_mm, rows_mm]` a pixel.
    fn plane(width: usize, height: usize, [columns_mm, rows_mm]: [f32; 2]) -> Vec<[f32; 3]> {
        let point = |i: usize| [(i % width) as f32 * columns_mm * 1e-3, (i / width) as f32 * rows_mm * 1e-3, 0.5];
        (0..width * height).map(point).collect()
    }

    #[test]
    fn a_plane_s_pixels_are_measured() {
        let mut network = plane(W, H, [0.5, 0.4]);
        assert!((spacing_m(&network, [1, 0]).unwrap() - 5e-4).abs() < 1e-7);
        assert!((spacing_m(&network, [0, 2]).unwrap() - 8e-4).abs() < 1e-7);
        assert!((pixel_area_mm2(&network).unwrap() - 0.2).abs() < 1e-4);
        // A step in depth and missing points do not change the median.
        network.iter_mut().enumerate().filter(|(i, _)| i % W > 150).for_each(|(_, point)| point[2] = 0.4);
        network.iter_mut().step_by(3).for_each(|point| *point = [0.0; 3]);
        assert!((pixel_area_mm2(&network).unwrap() - 0.2).abs() < 1e-3);
    }

    #[test]
    fn a_photograph_of_another_size_is_measured_alike() {
        for side in [150, 300, 401] {
            let points = plane(side, side, [0.5, 0.5]);
            let network = Window::around(Region::of_size(side, side)).nearest(&points, side, [0.0; 3]);
            let pixel_mm = 0.5 * side as f64 / W as f64;
            let found = pixel_area_mm2(&network).unwrap().sqrt();
            assert!((found / pixel_mm - 1.0).abs() < 0.07, "{side}: {found} mm where {pixel_mm} mm is right");
        }
    }

    #[test]
    fn without_pairs_of_points_nothing_is_measured() {
        let mut network = vec![[0.0; 3]; P];
        assert_eq!(pixel_area_mm2(&network), None);
        assert_eq!(spacing_m(&network[..5], [8, 0]), None);
        network[P - 1] = [0.0, 0.0, 0.5];
        network[P - 2] = [0.0, 0.0, 0.5];
        assert_eq!((spacing_m(&network, [1, 0]), pixel_area_mm2(&network)), (Some(0.0), None));
        // The last pixel of a row and the first of the next are no pair.
        let mut network = vec![[0.0; 3]; P];
        (network[W - 1], network[W]) = ([0.0, 0.0, 0.5], [0.1, 0.0, 0.5]);
        assert_eq!(spacing_m(&network, [1, 0]), None);
    }
}
