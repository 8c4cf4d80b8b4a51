//! Operations that a frame needs as this program evaluates it: two for a multiply-add of a matrix product. Elementwise
//! functions, searches and sparse combinations are not counted; they keep a frame below its ceiling.

use crate::model::{Architecture, Score, TensorSpec};
use crate::shapes::{P, PATCH_VALUES, RGB, T, XYZ};

/// The operations and bytes of one stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counted {
    pub operations: u64,
    /// Weights, inputs and outputs, each once, as f32.
    pub bytes: u64,
}

/// The counts in the order of the stages: prepare, rgb_tokens, xyz_groups, anomaly_map. `pixels` are those evaluated.
pub fn per_stage(architecture: &Architecture, pixels: usize) -> [Counted; 4] {
    let weights = |specs: Vec<TensorSpec>| specs.iter().map(|spec| spec.shape.iter().product::<usize>()).sum::<usize>();
    let (tokens, groups) = (T * architecture.c_rgb(), architecture.xyz.groups * architecture.c_xyz());
    let counted = |operations, values: usize| Counted { operations, bytes: 4 * values as u64 };
    [
        counted(0, 4 * P * RGB),
        counted(rgb_tokens(architecture), weights(architecture.rgb_tensors()) + RGB * P + tokens),
        counted(xyz_groups(architecture), weights(architecture.xyz_tensors()) + XYZ * P + groups),
        counted(
            anomaly_map(architecture, pixels),
            weights(architecture.mapping_tensors()) + 2 * (tokens + groups) + 3 * P,
        ),
    ]
}

/// Operations of a product of `[n, from]` with `[from, to]`.
fn product(n: usize, from: usize, to: usize) -> u64 {
    2 * n as u64 * from as u64 * to as u64
}

fn block(n: usize, width: usize, mlp: usize) -> u64 {
    product(n, width, 4 * width) + 2 * product(n, width, mlp) + 2 * product(n, n, width)
}

fn rgb_tokens(architecture: &Architecture) -> u64 {
    let shape = &architecture.rgb;
    product(T, PATCH_VALUES, shape.width) + shape.layers as u64 * block(T + 1, shape.width, shape.mlp)
}

fn xyz_groups(architecture: &Architecture) -> u64 {
    let shape = &architecture.xyz;
    let [e0, e1, e2] = shape.encoder;
    let (g, n) = (shape.groups, shape.groups * shape.group_size);
    let local = product(n, XYZ, e0) + product(n, e0, e1) + product(n, e0, e2) + product(n, e2, shape.width);
    let pooled = product(g, e1, e2);
    let position = product(g, XYZ, shape.position_hidden) + product(g, shape.position_hidden, shape.width);
    local + pooled + position + shape.layers as u64 * block(g, shape.width, shape.mlp)
}

fn anomaly_map(architecture: &Architecture, pixels: usize) -> u64 {
    let (rgb, xyz) = ((T, architecture.c_rgb()), (architecture.xyz.groups, architecture.c_xyz()));
    let mapping = |from, to| mapping(architecture.score, from, to, architecture.hidden, pixels);
    mapping(rgb, xyz) + mapping(xyz, rgb)
}

/// Of one mapping: numbers of tokens or groups and their channels, M, and the pixels that are evaluated.
fn mapping(score: Score, from: (usize, usize), (n_to, c_out): (usize, usize), m: usize, pixels: usize) -> u64 {
    let hidden = product(from.0, from.1, m) + product(pixels, m, m);
    let ranks = c_out.min(m);
    hidden
        + match score {
            // Upper trapezoid: row i has m - i entries.
            Score::Product => {
                let triangle = pixels as u64 * (0..ranks).map(|i| 2 * (m - i) as u64).sum::<u64>();
                product(n_to, c_out, m) + triangle
            }
            Score::Likelihood => product(pixels, m, 2 * c_out),
        }
}
