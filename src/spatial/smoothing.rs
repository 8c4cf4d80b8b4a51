//! The smoothing of an anomaly map (section 3.3).

use crate::shapes::{H, P, W};
use crate::vectorised::vectorised;

/// Box filters that together approximate a Gaussian of sigma 4: (side, times).
const BOXES: [(usize, usize); 2] = [(5, 5), (7, 3)];
/// Half the widest box.
const HALF_MAX: usize = 3;

/// Applies the box filters with zero padding, in place on `[H, W]`.
pub fn smooth(map: &mut [f32]) {
    smooth_with(map, &mut Vec::new());
}

vectorised! {
    /// Like [`smooth`], with `other`, a buffer that frames reuse.
    pub fn smooth_with(map: &mut [f32], other: &mut Vec<f32>) {
        assert_eq!(map.len(), P);
        other.resize(P, 0.0);
        for (side, times) in BOXES {
            for _ in 0..times {
                along_rows(map, other, side);
                along_columns(other, map, side);
            }
        }
    }
}

/// Mean of `side` values along each row; values beyond the edge count as zero.
#[inline(always)]
fn along_rows(from: &[f32], to: &mut [f32], side: usize) {
    let (half, scale) = (side / 2, 1.0 / side as f32);
    let mut padded = [0.0; W + 2 * HALF_MAX];
    for (from, to) in from.chunks_exact(W).zip(to.chunks_exact_mut(W)) {
        padded[half..half + W].copy_from_slice(from);
        padded[half + W..half + W + half].fill(0.0);
        to.copy_from_slice(&padded[..W]);
        for shift in 1..side {
            to.iter_mut().zip(&padded[shift..]).for_each(|(to, v)| *to += v);
        }
        to.iter_mut().for_each(|to| *to *= scale);
    }
}

/// Mean of `side` values along each column; values beyond the edge count as zero.
#[inline(always)]
fn along_columns(from: &[f32], to: &mut [f32], side: usize) {
    let (half, scale) = (side / 2, 1.0 / side as f32);
    for (y, to) in to.chunks_exact_mut(W).enumerate() {
        to.fill(0.0);
        for row in from[y.saturating_sub(half) * W..(y + half + 1).min(H) * W].chunks_exact(W) {
            to.iter_mut().zip(row).for_each(|(to, v)| *to += v);
        }
        to.iter_mut().for_each(|to| *to *= scale);
    }
}
