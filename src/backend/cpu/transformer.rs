//! A pre-norm Transformer block, shared by the colour and the shape network.

use gemm::Parallelism;
use rayon::prelude::*;

use super::linalg::{Linear, View, gelu_parallel, layer_norm, product, softmax};
use crate::model::{Weights, take};

/// Query rows of a head that a task works on: the scores of a tile stay in cache.
const QUERY_ROWS: usize = 128;

/// LayerNorm's weights.
pub struct Norm {
    weight: Vec<f32>,
    bias: Vec<f32>,
    epsilon: f32,
}

impl Norm {
    pub fn new(weights: &mut Weights, name: &str, epsilon: f32) -> Self {
        Self { weight: take(weights, &format!("{name}.weight")), bias: take(weights, &format!("{name}.bias")), epsilon }
    }

    /// x `[n, c]` -> out `[n, c]`.
    pub fn run(&self, x: &[f32], out: &mut Vec<f32>) {
        layer_norm(x, &self.weight, &self.bias, self.epsilon, out);
    }
}

/// The named linear layer; a layer without a bias has none.
pub fn linear(weights: &mut Weights, name: &str, to: usize) -> Linear {
    let bias = weights.remove(&format!("{name}.bias")).unwrap_or_default();
    Linear::new(take(weights, &format!("{name}.weight")), bias, to)
}

/// Buffers that a block reuses.
#[derive(Default)]
pub struct Scratch {
    normed: Vec<f32>,
    qkv: Vec<f32>,
    attended: Vec<f32>,
    hidden: Vec<f32>,
}

/// One block: attention and MLP, each behind its norm and added to its input.
pub struct Block {
    norm1: Norm,
    qkv: Linear,
    proj: Linear,
    norm2: Norm,
    fc1: Linear,
    fc2: Linear,
    heads: usize,
}

impl Block {
    pub fn new(weights: &mut Weights, name: &str, width: usize, mlp: usize, heads: usize, epsilon: f32) -> Self {
        Self {
            norm1: Norm::new(weights, &format!("{name}.norm1"), epsilon),
            qkv: linear(weights, &format!("{name}.attn.qkv"), 3 * width),
            proj: linear(weights, &format!("{name}.attn.proj"), width),
            norm2: Norm::new(weights, &format!("{name}.norm2"), epsilon),
            fc1: linear(weights, &format!("{name}.mlp.fc1"), mlp),
            fc2: linear(weights, &format!("{name}.mlp.fc2"), width),
            heads,
        }
    }

    /// x `[n, c]`, in place.
    pub fn run(&self, x: &mut [f32], scratch: &mut Scratch) {
        self.norm1.run(x, &mut scratch.normed);
        self.qkv.run(&scratch.normed, &mut scratch.qkv, Parallelism::Rayon(0));
        attention(&scratch.qkv, self.proj.from, self.heads, &mut scratch.attended);
        self.proj.run_add(&scratch.attended, x);
        self.norm2.run(x, &mut scratch.normed);
        self.fc1.run(&scratch.normed, &mut scratch.hidden, Parallelism::Rayon(0));
        gelu_parallel(&mut scratch.hidden);
        self.fc2.run_add(&scratch.hidden, x);
    }
}

/// Scaled dot-product attention; qkv `[n, 3 c]` -> out `[n, c]`. The scores exist a tile at a time.
fn attention(qkv: &[f32], width: usize, heads: usize, out: &mut Vec<f32>) {
    let (n, depth) = (qkv.len() / (3 * width), width / heads);
    out.resize(n * width, 0.0);
    let scale = 1.0 / (depth as f32).sqrt();
    out.par_chunks_mut(QUERY_ROWS * width).enumerate().for_each_init(Vec::new, |scores: &mut Vec<f32>, (tile, out)| {
        let (first, rows) = (tile * QUERY_ROWS, out.len() / width);
        scores.resize(rows * n, 0.0);
        for head in 0..heads {
            let at = |part: usize, row: usize| &qkv[row * 3 * width + part * width + head * depth..];
            let query = View::strided(at(0, first), rows, depth, 3 * width);
            let key = View::strided(at(1, 0), n, depth, 3 * width);
            let value = View::strided(at(2, 0), n, depth, 3 * width);
            product(query, key.t(), scale, false, scores, n, Parallelism::None);
            scores.chunks_exact_mut(n).for_each(softmax);
            let scores = View::dense(scores, rows, n);
            product(scores, value, 1.0, false, &mut out[head * depth..], width, Parallelism::None);
        }
    });
}
