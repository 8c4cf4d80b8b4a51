//! Operations that a frame needs as this program evaluates it: two for a multiply-add of a matrix product,
//! eight for a squared distance. Elementwise functions and sparse combinations are not counted.

use crate::model::Architecture;
use crate::shapes::{P, PATCH, RGB, T, XYZ};

/// A squared distance and its comparison.
const DISTANCE: u64 = 8;

/// In the order of the stages: prepare, rgb_tokens, xyz_groups, anomaly_map.
pub fn per_stage(architecture: &Architecture, points: usize, valid_pixels: usize) -> [u64; 4] {
    [0, rgb_tokens(architecture), xyz_groups(architecture, points), anomaly_map(architecture, points, valid_pixels)]
}

/// A product of `[n, from]` with `[from, to]`.
fn product(n: usize, from: usize, to: usize) -> u64 {
    2 * n as u64 * from as u64 * to as u64
}

fn block(n: usize, width: usize, mlp: usize) -> u64 {
    product(n, width, 4 * width) + 2 * product(n, width, mlp) + 2 * product(n, n, width)
}

fn rgb_tokens(architecture: &Architecture) -> u64 {
    let shape = &architecture.rgb;
    product(T, RGB * PATCH * PATCH, shape.width) + shape.layers as u64 * block(T + 1, shape.width, shape.mlp)
}

fn xyz_groups(architecture: &Architecture, points: usize) -> u64 {
    let shape = &architecture.xyz;
    let [e0, e1, e2] = shape.encoder;
    let (g, n) = (shape.groups, shape.groups * shape.group_size);
    let grouping = 2 * DISTANCE * (g * points) as u64;
    let local = product(n, XYZ, e0) + product(n, e0, e1) + product(n, e0, e2) + product(n, e2, shape.width);
    let pooled = product(g, e1, e2);
    let position = product(g, XYZ, shape.position_hidden) + product(g, shape.position_hidden, shape.width);
    grouping + local + pooled + position + shape.layers as u64 * block(g, shape.width, shape.mlp)
}

fn anomaly_map(architecture: &Architecture, points: usize, valid_pixels: usize) -> u64 {
    let (rgb, xyz) = ((T, architecture.c_rgb()), (architecture.xyz.groups, architecture.c_xyz()));
    let nearest = DISTANCE * (points.min(P) * architecture.xyz.groups) as u64;
    nearest
        + mapping(rgb, xyz, architecture.hidden, valid_pixels)
        + mapping(xyz, rgb, architecture.hidden, valid_pixels)
}

fn mapping((n_from, c_in): (usize, usize), (n_to, c_out): (usize, usize), m: usize, pixels: usize) -> u64 {
    let once = product(n_from, c_in, m) + product(n_to, c_out, m) + product(n_to, c_out, n_to);
    let ranks = c_out.min(m);
    // Upper trapezoid: row i has m - i entries.
    let triangle = pixels as u64 * (0..ranks).map(|i| 2 * (m - i) as u64).sum::<u64>();
    once + product(pixels, m, m) + triangle
}
