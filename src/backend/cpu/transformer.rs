//! A pre-norm Transformer block, shared by the colour and the shape network.

use super::Workers;
use super::aligned::{Aligned, row_stride};
use super::attention::Attention;
use super::elementwise::layer_norm;
use super::kernel::Kernel;
use super::packed::{Activation, Layer};
use crate::model::{Weights, take};

/// Rows that a task normalises.
const ROWS_PER_TASK: usize = 32;

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
    pub fn run(&self, workers: &mut Workers, x: &[f32], out: &mut [f32]) {
        let task = ROWS_PER_TASK * self.weight.len();
        workers.each_chunk(out, task, |_, i, out| {
            layer_norm(&x[i * task..][..out.len()], &self.weight, &self.bias, self.epsilon, out);
        });
    }
}

/// The named linear layer; one without a bias has none.
pub fn layer(kernel: &'static Kernel, weights: &mut Weights, name: &str, to: usize) -> Layer {
    let bias = weights.remove(&format!("{name}.bias")).unwrap_or_default();
    Layer::new(kernel, &take(weights, &format!("{name}.weight")), bias, to)
}

/// Buffers that blocks of one width reuse.
pub struct BlockBuffers {
    attention: Attention,
    normed: Vec<f32>,
    qkv: Vec<f32>,
    attended: Vec<f32>,
    hidden: Aligned,
}

impl BlockBuffers {
    pub fn new(width: usize, heads: usize) -> Self {
        Self {
            attention: Attention::new(width, heads),
            normed: Vec::new(),
            qkv: Vec::new(),
            attended: Vec::new(),
            hidden: Aligned::default(),
        }
    }
}

/// One block: attention and MLP, each behind its norm and added to its input.
pub struct Block {
    norm1: Norm,
    /// Its queries are scaled by 1 / sqrt(depth of a head) already.
    qkv: Layer,
    proj: Layer,
    norm2: Norm,
    fc1: Layer,
    fc2: Layer,
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
    pub fn new(kernel: &'static Kernel, weights: &mut Weights, name: &str, shape: &BlockShape) -> Self {
        let BlockShape { width, mlp, heads, epsilon } = *shape;
        let scale = 1.0 / ((width / heads) as f32).sqrt();
        let queries = [("weight", width * width), ("bias", width)];
        for (leaf, count) in queries {
            if let Some(values) = weights.get_mut(&format!("{name}.attn.qkv.{leaf}")) {
                values[..count].iter_mut().for_each(|v| *v *= scale);
            }
        }
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
        attention.run(workers, qkv, attended);
        self.proj.run_add(workers, (attended, c), n, x);
        self.norm2.run(workers, x, normed);
        self.fc1.run(workers, (normed, c), n, (hidden, hidden_stride), Activation::Gelu);
        self.fc2.run_add(workers, (hidden, hidden_stride), n, x);
    }
}
