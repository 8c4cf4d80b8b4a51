//! The border of a frame, which shows the belt where anything does.

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
        for y in 0..height {
            let whole = y < BORDER || y + BORDER >= height || width <= 2 * BORDER;
            let (left, right) = if whole { (width, 0) } else { (BORDER, BORDER) };
            self.pixels += left + right;
            // Above and below by column, left and right by row.
            let along = |at: usize, of: usize, side: usize| (STRETCHES * side + at * STRETCHES / of) as u8;
            let columns = (0..left).chain(width - right..width).map(|x| (seen.at(x, y), x));
            for (point, x) in columns.filter(|(point, _)| is_point(point)) {
                self.points.push(point);
                self.stretches.push(match (y < BORDER, y + BORDER >= height, x < width / 2) {
                    (true, ..) => along(x, width, 0),
                    (_, true, _) => along(x, width, 1),
                    (_, _, true) => along(y, height, 2),
                    _ => along(y, height, 3),
                });
            }
        }
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
