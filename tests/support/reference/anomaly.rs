//! Discrepancy maps, their product or sum, its smoothing and the scores (section 3.3).

use crosscheck::shapes::{H, P, W};

use super::mapping::{distances, is_likelihood};
use super::{Rows, Weights};

/// Each `[P]`.
pub struct Maps {
    pub psi_rgb: Vec<f64>,
    pub psi_xyz: Vec<f64>,
    pub anomaly_map: Vec<f64>,
    /// Pixels whose shape feature is not all zero.
    pub valid: Vec<bool>,
}

/// e_rgb `[P, C_RGB]`, e_xyz `[P, C_XYZ]`. A pixel without a shape feature has no discrepancy.
pub fn maps(weights: &Weights, e_rgb: &Rows, e_xyz: &Rows) -> Maps {
    let valid: Vec<bool> = e_xyz.iter().map(|feature| feature.iter().any(|v| *v != 0.0)).collect();
    let on: Vec<usize> = (0..P).filter(|&p| valid[p]).collect();
    let psi = |mapping: &str, from: &Rows, to: &Rows| {
        let [from, to] = [from, to].map(|features| on.iter().map(|&p| features[p].clone()).collect());
        let mut map = vec![0.0; P];
        on.iter().zip(distances(weights, mapping, &from, &to)).for_each(|(&p, distance)| map[p] = distance);
        map
    };
    let psi_rgb = psi("map_xyz_to_rgb", e_xyz, e_rgb);
    let psi_xyz = psi("map_rgb_to_xyz", e_rgb, e_xyz);
    let combine = if is_likelihood(weights) { |(a, b): (&f64, &f64)| a + b } else { |(a, b): (&f64, &f64)| a * b };
    let anomaly_map = smooth(psi_rgb.iter().zip(&psi_xyz).map(combine).collect());
    Maps { psi_rgb, psi_xyz, anomaly_map, valid }
}

/// What stands for a Gaussian of sigma 4: the mean over 5 x 5 five times, over 7 x 7 three times, zeros beyond the edge.
pub fn smooth(mut map: Vec<f64>) -> Vec<f64> {
    for side in [5, 5, 5, 5, 5, 7, 7, 7] {
        map = box_mean(&map, side);
    }
    map
}

fn box_mean(map: &[f64], side: isize) -> Vec<f64> {
    let at = |y: isize, x: isize| {
        let inside = (0..H as isize).contains(&y) && (0..W as isize).contains(&x);
        if inside { map[y as usize * W + x as usize] } else { 0.0 }
    };
    let reach = -(side / 2)..=side / 2;
    let sum = |p: usize| {
        let (y, x) = ((p / W) as isize, (p % W) as isize);
        reach.clone().flat_map(|dy| reach.clone().map(move |dx| at(y + dy, x + dx))).sum::<f64>()
    };
    (0..P).map(|p| sum(p) / (side * side) as f64).collect()
}

pub fn score_maximum(map: &[f64]) -> f64 {
    map.iter().copied().fold(0.0, f64::max)
}

/// The maximum of the map divided by the root of the mean of its non-zero values.
pub fn score_reference(map: &[f64]) -> f64 {
    let nonzero: Vec<f64> = map.iter().copied().filter(|v| *v != 0.0).collect();
    let mean = nonzero.iter().sum::<f64>() / nonzero.len() as f64;
    map.iter().map(|v| v / mean.sqrt()).fold(0.0, f64::max)
}
