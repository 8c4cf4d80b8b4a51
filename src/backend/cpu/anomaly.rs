//! Product and smoothing of the two discrepancy maps (section 3.3).

use crate::backend::AnomalyMaps;
use crate::shapes::{H, P, W};

/// Box filters that stand for a Gaussian of sigma 4: (side, times).
const BOXES: [(usize, usize); 2] = [(5, 5), (7, 3)];

/// Lays psi out as maps, zero elsewhere, and smooths their product.
pub fn scatter(pixels: &[usize], psi_rgb: &[f32], psi_xyz: &[f32], maps: &mut AnomalyMaps) {
    maps.silence();
    for (i, &pixel) in pixels.iter().enumerate() {
        maps.psi_rgb[pixel] = psi_rgb[i];
        maps.psi_xyz[pixel] = psi_xyz[i];
        maps.anomaly_map[pixel] = psi_rgb[i] * psi_xyz[i];
        maps.valid[pixel] = true;
    }
    smooth(&mut maps.anomaly_map);
}

/// The box filters, zero padding, in place on `[H, W]`.
pub fn smooth(map: &mut [f32]) {
    let mut other = vec![0.0; P];
    for (side, times) in BOXES {
        for _ in 0..times {
            box_pass(map, &mut other, side, |y, x| y * W + x);
            box_pass(&other, map, side, |x, y| y * W + x);
        }
    }
}

/// Mean of `side` values along the inner axis; zero beyond the edge counts.
fn box_pass(from: &[f32], to: &mut [f32], side: usize, at: impl Fn(usize, usize) -> usize) {
    let (half, scale) = (side / 2, 1.0 / side as f32);
    for line in 0..H {
        for i in 0..W {
            let sum: f32 = (i.saturating_sub(half)..(i + half + 1).min(W)).map(|j| from[at(line, j)]).sum();
            to[at(line, i)] = sum * scale;
        }
    }
}
