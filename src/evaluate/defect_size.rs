//! How large the defect of a frame is.

use std::f64::consts::PI;

use super::curves::{Joined, label_regions};
use crate::prepare::NetworkInput;
use crate::prepare::spacing::pixel_area_mm2;
use crate::shapes::W;

/// The size of a frame's largest marked region whose pixels share sides: the diameter of a circle of equal area.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DefectSize {
    /// By what a network pixel of the part is in millimetres; none where the points do not tell it.
    pub mm: Option<f64>,
    /// Over the root of the number of the part's network pixels; none without a part.
    pub share: Option<f64>,
}

impl DefectSize {
    /// The size of what is marked in `truth`, `[P]`; none where nothing is.
    pub fn measure(truth: &[bool], input: &NetworkInput) -> Option<Self> {
        let area = largest_region(truth);
        let diameter = 2.0 * (area as f64 / PI).sqrt();
        let part = input.kept.iter().filter(|kept| **kept).count();
        (area > 0).then(|| Self {
            mm: pixel_area_mm2(&input.cloud).map(|area_mm2| diameter * area_mm2.sqrt()),
            share: (part > 0).then(|| diameter / (part as f64).sqrt()),
        })
    }
}

/// Pixels of the largest region.
fn largest_region(truth: &[bool]) -> usize {
    if !truth.contains(&true) {
        return 0;
    }
    let (labels, count) = label_regions(truth, W, Joined::BySides);
    let mut areas = vec![0; count + 1];
    labels.into_iter().filter(|label| *label > 0).for_each(|label| areas[label as usize] += 1);
    areas.into_iter().max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shapes::P;

    fn marked(squares: &[(usize, usize, usize)]) -> Vec<bool> {
        let is_in = |i: usize, (x, y, side): (usize, usize, usize)| {
            (x..x + side).contains(&(i % W)) && (y..y + side).contains(&(i / W))
        };
        (0..P).map(|i| squares.iter().any(|square| is_in(i, *square))).collect()
    }

    #[test]
    fn the_largest_region_is_measured_by_the_cloud() {
        let point = |i: usize| [(i % W) as f32 * 5e-4, (i / W) as f32 * 5e-4, 0.5];
        let kept: Vec<bool> = (0..P).map(|i| i % W < 100 && i / W < 100).collect();
        let cloud = kept.iter().enumerate().map(|(i, kept)| if *kept { point(i) } else { [0.0; 3] }).collect();
        let input = NetworkInput { cloud, kept, ..NetworkInput::default() };
        // Two squares that touch by a corner, and a small one.
        let truth = marked(&[(10, 10, 8), (18, 18, 8), (60, 60, 3)]);
        let size = DefectSize::measure(&truth, &input).unwrap();
        let diameter = 2.0 * (64.0 / PI).sqrt();
        assert!((size.mm.unwrap() - 0.5 * diameter).abs() < 1e-3, "{size:?}");
        assert!((size.share.unwrap() - diameter / 100.0).abs() < 1e-12, "{size:?}");
        // A hole has no points, and a size all the same.
        let mut holed = input.clone();
        truth.iter().enumerate().filter(|(_, t)| **t).for_each(|(i, _)| holed.cloud[i] = [0.0; 3]);
        assert!((DefectSize::measure(&truth, &holed).unwrap().mm.unwrap() - 0.5 * diameter).abs() < 1e-3);
        assert_eq!(DefectSize::measure(&[false; P], &input), None);
        let unknown = DefectSize::measure(&truth, &NetworkInput::default());
        assert_eq!(unknown, Some(DefectSize { mm: None, share: None }));
    }
}
