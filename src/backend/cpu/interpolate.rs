//! From tokens and groups to pixels (section 3.1), as sparse rows: no per-pixel feature is built.

use rayon::prelude::*;

use super::grouping::three_nearest;
use crate::frame::is_point;
use crate::shapes::{H, P, PATCH, T_SIDE, W};

/// Keeps the inverse-distance weights finite where a point is its own centre.
const DISTANCE_FLOOR: f32 = 1e-8;
/// Side of the mean filter's output: 3 x 3 without padding.
const SMOOTHED: usize = H - 2;

/// One sparse row of (token or group, weight) per pixel.
pub struct SparseRows {
    start: Vec<usize>,
    entries: Vec<(u32, f32)>,
}

impl SparseRows {
    fn collect(rows: impl Iterator<Item = Vec<(u32, f32)>>) -> Self {
        let (mut start, mut entries) = (vec![0], Vec::new());
        for row in rows {
            entries.extend(row);
            start.push(entries.len());
        }
        Self { start, entries }
    }

    pub fn row(&self, pixel: usize) -> &[(u32, f32)] {
        &self.entries[self.start[pixel]..self.start[pixel + 1]]
    }

    pub fn len(&self) -> usize {
        self.start.len() - 1
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Bilinear, align_corners = false: four tokens a pixel, weights summing to one.
pub fn rgb_rows() -> SparseRows {
    let axis = |i: usize| {
        let source = ((i as f32 + 0.5) / PATCH as f32 - 0.5).max(0.0);
        let low = source as usize;
        [(low, 1.0 - source.fract()), ((low + 1).min(T_SIDE - 1), source.fract())]
    };
    SparseRows::collect((0..P).map(|p| {
        let mut row = Vec::with_capacity(4);
        for (y, wy) in axis(p / W) {
            for (x, wx) in axis(p % W) {
                add_entry(&mut row, (y * T_SIDE + x) as u32, wy * wx);
            }
        }
        row
    }))
}

/// Three nearest centres, 3 x 3 mean without padding, adaptive mean back to H x W, folded into one row.
/// A pixel no point reaches has an empty row.
pub fn xyz_rows(cloud: &[[f32; 3]], centres: &[[f32; 3]]) -> SparseRows {
    assert_eq!(cloud.len(), P);
    let of_point: Vec<Option<[(u32, f32); 3]>> =
        cloud.par_iter().map(|&p| is_point(&p).then(|| inverse_distance(p, centres))).collect();
    let rows: Vec<Vec<(u32, f32)>> = (0..P).into_par_iter().map(|p| smoothed_row(p, &of_point)).collect();
    SparseRows::collect(rows.into_iter())
}

fn inverse_distance(point: [f32; 3], centres: &[[f32; 3]]) -> [(u32, f32); 3] {
    let nearest = three_nearest(point, centres);
    let weight = nearest.map(|(d, _)| 1.0 / (d + DISTANCE_FLOOR));
    let total: f32 = weight.iter().sum();
    [0, 1, 2].map(|i| (nearest[i].1 as u32, weight[i] / total))
}

fn smoothed_row(pixel: usize, of_point: &[Option<[(u32, f32); 3]>]) -> Vec<(u32, f32)> {
    // Output cell i of an adaptive mean covers inputs floor(i n / m) .. ceil((i + 1) n / m).
    let window = |i: usize| (i * SMOOTHED / H, ((i + 1) * SMOOTHED).div_ceil(H));
    let ((top, bottom), (left, right)) = (window(pixel / W), window(pixel % W));
    let scale = 1.0 / (9 * (bottom - top) * (right - left)) as f32;
    let mut row = Vec::new();
    for y in top..bottom + 2 {
        // How many 3 x 3 windows of this cell the source row, and then the pixel, lies in.
        let repeats_y = overlap(y, top, bottom);
        for x in left..right + 2 {
            let Some(entries) = &of_point[y * W + x] else { continue };
            let weight = scale * (repeats_y * overlap(x, left, right)) as f32;
            entries.iter().for_each(|&(group, w)| add_entry(&mut row, group, weight * w));
        }
    }
    row
}

/// Windows starting in `first..last`, three wide, that cover `at`.
fn overlap(at: usize, first: usize, last: usize) -> usize {
    (at + 1).min(last) - at.saturating_sub(2).max(first)
}

fn add_entry(row: &mut Vec<(u32, f32)>, index: u32, weight: f32) {
    match row.iter_mut().find(|entry| entry.0 == index) {
        Some(entry) => entry.1 += weight,
        None => row.push((index, weight)),
    }
}
