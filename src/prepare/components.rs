//! Stray points: connected components of the cloud on its pixel grid.

use crate::frame::{OrganisedCloud, is_point};

/// Grid neighbours nearer than this belong together, metres.
const NEIGHBOUR_M: f32 = 0.006;
/// A component of fewer points is never the part.
const POINTS_MIN: usize = 30;
const NONE: u32 = u32::MAX;

/// Drops every point outside the largest component; all of them when none has 30 points.
pub fn keep_largest(cloud: &mut OrganisedCloud) {
    let (label, sizes) = components(cloud);
    let largest = (0..sizes.len()).filter(|&i| sizes[i] >= POINTS_MIN).max_by_key(|&i| (sizes[i], usize::MAX - i));
    for (i, &label) in label.iter().enumerate() {
        if label != NONE && Some(label as usize) != largest {
            cloud.remove(i);
        }
    }
}

/// The component of each pixel and the size of each component, in row-major order of first pixels.
fn components(cloud: &OrganisedCloud) -> (Vec<u32>, Vec<usize>) {
    let points = cloud.points();
    let (mut label, mut sizes, mut open) = (vec![NONE; points.len()], Vec::new(), Vec::new());
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
            for j in neighbours(i, cloud.width(), cloud.height()) {
                if label[j] == NONE && is_point(&points[j]) && near(&points[i], &points[j]) {
                    label[j] = id;
                    open.push(j);
                }
            }
        }
        sizes.push(size);
    }
    (label, sizes)
}

/// The eight pixels around `i` that are on the grid.
fn neighbours(i: usize, width: usize, height: usize) -> impl Iterator<Item = usize> {
    let (x, y) = (i % width, i / width);
    let rows = y.saturating_sub(1)..(y + 2).min(height);
    rows.flat_map(move |v| (x.saturating_sub(1)..(x + 2).min(width)).map(move |u| v * width + u))
        .filter(move |&j| j != i)
}

fn near(a: &[f32; 3], b: &[f32; 3]) -> bool {
    let squared: f32 = a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum();
    squared < NEIGHBOUR_M * NEIGHBOUR_M
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two flat squares of 10 x 10 and 6 x 6 pixels, 1 mm a pixel, far apart.
    fn two_squares() -> OrganisedCloud {
        let point = |i: usize| {
            let (x, y) = (i % 40, i / 40);
            let there = (x < 10 && y < 10) || ((30..36).contains(&x) && y < 6);
            if there { [x as f32 * 1e-3, y as f32 * 1e-3, 0.5] } else { [0.0; 3] }
        };
        OrganisedCloud::new(40, 20, (0..800).map(point).collect()).unwrap()
    }

    #[test]
    fn the_largest_stays() {
        let mut cloud = two_squares();
        keep_largest(&mut cloud);
        assert_eq!(cloud.valid_count(), 100);
    }

    #[test]
    fn a_step_in_depth_parts_components() {
        let mut points = vec![[0.0; 3]; 200];
        for (i, p) in points.iter_mut().enumerate() {
            *p = [(i % 20) as f32 * 1e-3, (i / 20) as f32 * 1e-3, if i % 20 < 12 { 0.5 } else { 0.51 }];
        }
        let mut cloud = OrganisedCloud::new(20, 10, points).unwrap();
        keep_largest(&mut cloud);
        assert_eq!(cloud.valid_count(), 120);
    }

    #[test]
    fn specks_are_no_part() {
        let mut points = vec![[0.0; 3]; 400];
        (0..29).for_each(|i| points[i] = [i as f32 * 1e-4, 0.0, 0.5]);
        let mut cloud = OrganisedCloud::new(400, 1, points).unwrap();
        keep_largest(&mut cloud);
        assert_eq!(cloud.valid_count(), 0);
    }
}
