//! The border of a frame, which shows the belt where anything does.

use std::ops::Range;

use super::plane::Plane;
use super::point_grid::PointGrid;
use crate::frame::is_point;

/// Its width, pixels.
pub const BORDER: usize = 10;
/// Stretches of it on each of its four sides.
const STRETCHES: usize = 8;
/// A stretch with fewer points shows nothing.
const STRETCH_POINTS_MIN: usize = 3;
/// Points of each stretch, where stretches count alike.
const STRETCH_POINTS_MAX: usize = 62;

/// The border's points, in buffers that frames reuse.
#[derive(Default)]
pub struct Border {
    points: Vec<[f32; 3]>,
    /// The stretch of each, below 32.
    stretches: Vec<u8>,
    pixels: usize,
    even: Vec<[f32; 3]>,
}

impl Border {
    /// Takes the border of what is seen.
    pub fn take(&mut self, seen: PointGrid<'_>) {
        let (width, height) = (seen.width(), seen.height());
        // All of the border, so that a frame with more of it there than the one before allocates nothing.
        let most = 2 * BORDER * (width + height).min(seen.pixels());
        self.points.clear();
        self.stretches.clear();
        self.points.reserve(most);
        self.stretches.reserve(most);
        self.even.clear();
        self.even.reserve(4 * STRETCHES * STRETCH_POINTS_MAX);
        self.pixels = 0;
        // The columns of a stretch above and below: those with `x * STRETCHES / width` equal to its number.
        let columns =
            |stretch: usize| (stretch * width).div_ceil(STRETCHES)..((stretch + 1) * width).div_ceil(STRETCHES);
        for y in 0..height {
            let stretch = y * STRETCHES / height;
            if y < BORDER || y + BORDER >= height {
                let side = if y < BORDER { 0 } else { STRETCHES };
                (0..STRETCHES).for_each(|stretch| self.take_run(seen, y, columns(stretch), side + stretch));
            } else {
                // A narrow frame is all border.
                let (left, right) = (BORDER.min(width / 2), (width - BORDER.min(width)).max(width / 2));
                self.take_run(seen, y, 0..left, 2 * STRETCHES + stretch);
                self.take_run(seen, y, right..width, 3 * STRETCHES + stretch);
            }
        }
    }

    /// Takes some columns of a row, which belong to one stretch.
    fn take_run(&mut self, seen: PointGrid<'_>, y: usize, columns: Range<usize>, stretch: usize) {
        self.pixels += columns.len();
        self.points.extend(seen.run(y, columns).filter(is_point));
        self.stretches.resize(self.points.len(), stretch as u8);
    }

    pub fn points(&self) -> &[[f32; 3]] {
        &self.points
    }

    /// Pixels of the border, including those without a point.
    pub fn pixels(&self) -> usize {
        self.pixels
    }

    /// The same number of points of each stretch, or all of a stretch that has fewer.
    pub fn even(&self) -> &[[f32; 3]] {
        &self.even
    }

    /// Chooses [`Self::even`].
    pub fn make_even(&mut self) {
        let mut counts = [0_usize; 4 * STRETCHES];
        self.stretches.iter().for_each(|stretch| counts[usize::from(*stretch)] += 1);
        let steps = counts.map(|count| count.div_ceil(STRETCH_POINTS_MAX).max(1));
        let mut met = [0; 4 * STRETCHES];
        self.even.clear();
        for (point, stretch) in self.points.iter().zip(&self.stretches) {
            let stretch = usize::from(*stretch);
            if met[stretch] % steps[stretch] == 0 {
                self.even.push(*point);
            }
            met[stretch] += 1;
        }
    }

    /// Of the stretches that have points, the share that shows a plane: half of their points at least are nearer to it than
    /// `reach_m`.
    pub fn share(&self, plane: &Plane, reach_m: f32) -> f32 {
        let (mut all, mut on) = ([0; 4 * STRETCHES], [0; 4 * STRETCHES]);
        for (point, stretch) in self.points.iter().zip(&self.stretches) {
            all[usize::from(*stretch)] += 1;
            on[usize::from(*stretch)] += usize::from(plane.distance(point) < reach_m);
        }
        let seen = || all.iter().zip(&on).filter(|(all, _)| **all >= STRETCH_POINTS_MIN);
        seen().filter(|(all, on)| 2 * **on >= **all).count() as f32 / seen().count().max(1) as f32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_narrower_than_its_border_counts_once() {
        let mut border = Border::default();
        for width in [1, 19, 20, 21] {
            border.take(PointGrid::whole(&vec![[0.0, 0.0, 1.0]; width * 30], width));
            assert_eq!(border.points().len(), width * 30 - width.saturating_sub(20) * 10);
            assert_eq!(border.pixels(), border.points().len());
        }
    }

    #[test]
    fn stretches_count_alike_however_many_points_they_have() {
        // A dense block along half of the upper side, 0.1 m nearer than the sparse rest.
        let point = |i: usize| {
            let (x, y) = (i % 160, i / 160);
            let block = x < 80 && y < 40;
            if block || i.is_multiple_of(17) { [x as f32, y as f32, if block { 0.4 } else { 0.5 }] } else { [0.0; 3] }
        };
        let points: Vec<[f32; 3]> = (0..160 * 120).map(point).collect();
        let mut border = Border::default();
        border.take(PointGrid::whole(&points, 160));
        let near = Plane { normal: [0.0, 0.0, -1.0], offset_m: 0.4 };
        let far = Plane { offset_m: 0.5, ..near };
        let on =
            |points: &[[f32; 3]]| points.iter().filter(|p| far.distance(p) < 1e-3).count() as f32 / points.len() as f32;
        border.make_even();
        let (all, even) = (on(border.points()), on(border.even()));
        assert!(even > 2.0 * all, "{all} of all points, {even} of as many for each stretch");
        assert!(border.share(&near, 1e-3) < 0.3 && border.share(&far, 1e-3) > 0.7);
    }
}
