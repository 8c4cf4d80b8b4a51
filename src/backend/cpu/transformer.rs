//! A pre-norm Transformer block, shared by the colour and the shape network.

use super::aligned::{Aligned, row_stride};
use super::attention::Attention;
use super::elementwise::layer_norm;
use super::kernel::Kernel;
use super::layer::{Activation, Layer};
use super::workers::Workers;
use crate::model::Tensors;

/// Number of rows in a task that normalises.
const ROWS_PER_TASK: usize = 32;

/// LayerNorm's weights.
pub struct Norm {
    weight: Vec<f32>,
    bias: Vec<f32>,
    epsilon: f32,
}

impl Norm {
    pub fn new(weights: &mut Tensors, name: &str, epsilon: f32) -> Self {
        Self {
            weight: weights.take_f32(&format!("{name}.weight")),
            bias: weights.take_f32(&format!("{name}.bias")),
            epsilon,
        }
    }

    /// x `[n, c]` -> out `[n, c]`.
    pub fn run(&self, workers: &mut Workers, x: &[f32], out: &mut [f32]) {
        let task = ROWS_PER_TASK * self.weight.len();
        workers.each_chunk(out, task, |_, i, out| {
            layer_norm(&x[i * task..][..out.len()], &self.weight, &self.bias, self.epsilon, out);
        });
    }
}

/// Takes the linear layer `name` out of `weights` and packs it, as halves if possible (`Packed::compact`).
pub fn layer(kernel: &'static Kernel, weights: &mut Tensors, name: &str, to: usize) -> Layer {
    Layer::compact(kernel, weights.take_linear(name), to)
}

/// Buffers that blocks reuse, and both networks share.
#[derive(Default)]
pub struct BlockBuffers {
    attention: Attention,
    normed: Vec<f32>,
    qkv: Vec<f32>,
    attended: Vec<f32>,
    hidden: Aligned,
}

/// One block: attention and MLP, each applied after its norm and added to its input.
pub struct Block {
    norm1: Norm,
    qkv: Layer,
    proj: Layer,
    norm2: Norm,
    fc1: Layer,
    fc2: Layer,
    heads: usize,
}

/// Sizes of a block.
#[derive(Clone, Copy)]
pub struct BlockShape {
    pub width: usize,
    pub mlp: usize,
    pub heads: usize,
    pub epsilon: f32,
}

impl Block {
    pub fn new(kernel: &'static Kernel, weights: &mut Tensors, name: &str, shape: &BlockShape) -> Self {
        let BlockShape { width, mlp, heads, epsilon } = *shape;
        let norm1 = Norm::new(weights, &format!("{name}.norm1"), epsilon);
        let norm2 = Norm::new(weights, &format!("{name}.norm2"), epsilon);
        let mut layer = |leaf: &str, to| layer(kernel, weights, &format!("{name}.{leaf}"), to);
        Self {
            norm1,
            qkv: layer("attn.qkv", 3 * width),
            proj: layer("attn.proj", width),
            norm2,
            fc1: layer("mlp.fc1", mlp),
            fc2: layer("mlp.fc2", width),
            heads,
        }
    }

    /// x `[n, c]`, in place.
    pub fn run(&self, workers: &mut Workers, x: &mut [f32], buffers: &mut BlockBuffers) {
        let (c, mlp) = (self.proj.packed.to, self.fc1.packed.to);
        let (n, hidden_stride) = (x.len() / c, row_stride(mlp));
        let BlockBuffers { attention, normed, qkv, attended, hidden } = buffers;
        normed.resize(n * c, 0.0);
        qkv.resize(n * 3 * c, 0.0);
        attended.resize(n * c, 0.0);
        hidden.resize(n * hidden_stride);
        self.norm1.run(workers, x, normed);
        self.qkv.run(workers, (normed, c), n, (qkv, 3 * c), Activation::None);
        attention.run(workers, self.heads, c, qkv, attended);
        self.proj.run_add(workers, (attended, c), n, x);
        self.norm2.run(workers, x, normed);
        self.fc1.run(workers, (normed, c), n, (hidden, hidden_stride), Activation::Gelu);
        self.fc2.run_add(workers, (hidden, hidden_stride), n, x);
    }
}
