//! Stray points: connected components of the cloud on its pixel grid.

use crate::frame::is_point;

/// Grid neighbours nearer than this belong together, metres.
const NEIGHBOUR_M: f32 = 0.006;
/// A component of fewer points is never the part.
const POINTS_MIN: usize = 30;
const NONE: u32 = u32::MAX;

/// The component of each pixel, in buffers that frames reuse.
#[derive(Default)]
pub struct Components {
    /// `[height, width]`.
    label: Vec<u32>,
    /// Points of each component, in row-major order of first pixels.
    sizes: Vec<usize>,
    open: Vec<usize>,
}

impl Components {
    /// Drops every point outside the largest component; all of them when none has 30 points.
    pub fn keep_largest(&mut self, points: &mut [[f32; 3]], width: usize) {
        self.find(points, width);
        let sizes = &self.sizes;
        let largest = (0..sizes.len()).filter(|&i| sizes[i] >= POINTS_MIN).max_by_key(|&i| (sizes[i], usize::MAX - i));
        for (point, &label) in points.iter_mut().zip(&self.label) {
            if label != NONE && Some(label as usize) != largest {
                *point = [0.0; 3];
            }
        }
    }

    fn find(&mut self, points: &[[f32; 3]], width: usize) {
        let Self { label, sizes, open } = self;
        label.clear();
        label.resize(points.len(), NONE);
        sizes.clear();
        // As many as there may be, whatever the frame shows; memory that is not used is not there.
        sizes.reserve(points.len());
        open.reserve(points.len());
        let height = points.len() / width;
        for first in 0..points.len() {
            if !is_point(&points[first]) || label[first] != NONE {
                continue;
            }
            let id = sizes.len() as u32;
            label[first] = id;
            open.push(first);
            let mut size = 0;
            while let Some(i) = open.pop() {
                size += 1;
                for j in neighbours(i, width, height) {
                    if label[j] == NONE && is_point(&points[j]) && near(&points[i], &points[j]) {
                        label[j] = id;
                        open.push(j);
                    }
                }
            }
            sizes.push(size);
        }
    }
}

/// The pixels around `i` that are on the grid, and `i` itself.
fn neighbours(i: usize, width: usize, height: usize) -> impl Iterator<Item = usize> {
    let (x, y) = (i % width, i / width);
    let rows = y.saturating_sub(1)..(y + 2).min(height);
    rows.flat_map(move |v| v * width + x.saturating_sub(1)..v * width + (x + 2).min(width))
}

fn near(a: &[f32; 3], b: &[f32; 3]) -> bool {
    let squared: f32 = a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum();
    squared < NEIGHBOUR_M * NEIGHBOUR_M
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Points left of a grid of `width`.
    fn kept(mut points: Vec<[f32; 3]>, width: usize) -> usize {
        Components::default().keep_largest(&mut points, width);
        points.iter().filter(|p| is_point(p)).count()
    }

    #[test]
    fn the_largest_stays() {
        // Two flat squares of 10 x 10 and 6 x 6 pixels, 1 mm a pixel, far apart.
        let point = |i: usize| {
            let (x, y) = (i % 40, i / 40);
            let there = (x < 10 && y < 10) || ((30..36).contains(&x) && y < 6);
            if there { [x as f32 * 1e-3, y as f32 * 1e-3, 0.5] } else { [0.0; 3] }
        };
        assert_eq!(kept((0..800).map(point).collect(), 40), 100);
    }

    #[test]
    fn a_step_in_depth_parts_components() {
        let point = |i: usize| [(i % 20) as f32 * 1e-3, (i / 20) as f32 * 1e-3, if i % 20 < 12 { 0.5 } else { 0.51 }];
        assert_eq!(kept((0..200).map(point).collect(), 20), 120);
    }

    #[test]
    fn specks_are_no_part() {
        let mut points = vec![[0.0; 3]; 400];
        (0..29).for_each(|i| points[i] = [i as f32 * 1e-4, 0.0, 0.5]);
        assert_eq!(kept(points, 400), 0);
    }
}
