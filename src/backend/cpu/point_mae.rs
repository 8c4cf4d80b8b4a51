//! The shape network: Point-MAE (section 4) with its PointNet group encoder folded.

use gemm::Parallelism;
use rayon::prelude::*;

use super::grouping::{farthest_points, nearest_points};
use super::linalg::{Linear, View, gelu, product};
use super::transformer::{Block, Norm, Scratch, linear};
use crate::backend::XyzGroups;
use crate::model::{PointMaeShape, Weights, take};

/// PyTorch's LayerNorm and BatchNorm default.
const EPSILON: f32 = 1e-5;
/// Groups that a task encodes at once.
const GROUPS_PER_TASK: usize = 8;

pub struct PointMae {
    shape: PointMaeShape,
    encoder: GroupEncoder,
    position_in: Linear,
    position_out: Linear,
    blocks: Vec<Block>,
    norm: Norm,
    positions: Vec<f32>,
    x: Vec<f32>,
    normed: Vec<f32>,
    scratch: Scratch,
}

impl PointMae {
    pub fn new(shape: &PointMaeShape, weights: &mut Weights) -> Self {
        let mut block =
            |i| Block::new(weights, &format!("xyz.blocks.blocks.{i}"), shape.width, shape.mlp, shape.heads, EPSILON);
        let blocks = (0..shape.layers).map(&mut block).collect();
        Self {
            encoder: GroupEncoder::new(shape, weights),
            position_in: linear(weights, "xyz.pos_embed.0", shape.position_hidden),
            position_out: linear(weights, "xyz.pos_embed.2", shape.width),
            blocks,
            norm: Norm::new(weights, "xyz.norm", EPSILON),
            shape: shape.clone(),
            positions: Vec::new(),
            x: Vec::new(),
            normed: Vec::new(),
            scratch: Scratch::default(),
        }
    }

    /// points `[N, 3]`, N at least 1 -> features `[G, C_XYZ]` and centres.
    pub fn run(&mut self, points: &[[f32; 3]], out: &mut XyzGroups) {
        let (g, k, c) = (self.shape.groups, self.shape.group_size, self.shape.width);
        out.centre_index = farthest_points(points, g);
        out.centres.clear();
        out.centres.extend(out.centre_index.iter().map(|&i| points[i]));
        let neighbours = nearest_points(points, &out.centres, k);
        self.encoder.run(points, &out.centres, &neighbours, k, &mut self.x);
        self.embed_positions(&out.centres);
        let taps = self.shape.taps.len();
        out.features.resize(g * c * taps, 0.0);
        for (i, block) in self.blocks.iter().enumerate() {
            self.x.iter_mut().zip(&self.positions).for_each(|(x, p)| *x += p);
            block.run(&mut self.x, &mut self.scratch);
            if let Some(tap) = self.shape.taps.iter().position(|&t| t == i) {
                self.norm.run(&self.x, &mut self.normed);
                let rows = out.features.chunks_exact_mut(c * taps).zip(self.normed.chunks_exact(c));
                rows.for_each(|(out, row)| out[tap * c..][..c].copy_from_slice(row));
            }
        }
    }

    fn embed_positions(&mut self, centres: &[[f32; 3]]) {
        let mut hidden = Vec::new();
        self.position_in.run(centres.as_flattened(), &mut hidden, Parallelism::None);
        gelu(&mut hidden);
        self.position_out.run(&hidden, &mut self.positions, Parallelism::Rayon(0));
    }
}

/// PointNet: 3-e0-BN-ReLU-e1, maximum joined in front, e2-BN-ReLU-c, maximum.
///
/// Folded exactly: BatchNorms go into their layers; the second layer has no non-linearity before the
/// third, so its local half becomes one product; the pooled half is computed once per group.
struct GroupEncoder {
    first: Linear,
    second: Linear,
    /// Third layer on the pooled feature, with every bias of the merged layers.
    pooled: Linear,
    /// Third layer on the local feature, merged with the second: `[e2, e0]`.
    local: Linear,
    last: Linear,
}

impl GroupEncoder {
    fn new(shape: &PointMaeShape, weights: &mut Weights) -> Self {
        let [e0, e1, e2] = shape.encoder;
        let first = linear(weights, "xyz.encoder.first_conv.0", e0);
        let first = fold_batch_norm(first, weights, "xyz.encoder.first_conv.1");
        let second = linear(weights, "xyz.encoder.first_conv.3", e1);
        let third = linear(weights, "xyz.encoder.second_conv.0", e2);
        let third = fold_batch_norm(third, weights, "xyz.encoder.second_conv.1");
        let half = |from: usize| {
            third.weight.chunks_exact(2 * e1).flat_map(|row| row[from..from + e1].to_vec()).collect::<Vec<f32>>()
        };
        let (pooled_weight, local_weight) = (half(0), half(e1));
        let mut merged = vec![0.0; e2 * e0];
        let (a, b) = (View::dense(&local_weight, e2, e1), View::dense(&second.weight, e1, e0));
        product(a, b, 1.0, false, &mut merged, e0, Parallelism::None);
        let carried =
            local_weight.chunks_exact(e1).map(|row| row.iter().zip(&second.bias).map(|(w, b)| w * b).sum::<f32>());
        let bias = third.bias.iter().zip(carried).map(|(b, c)| b + c).collect();
        Self {
            first,
            second,
            pooled: Linear::new(pooled_weight, bias, e2),
            local: Linear::new(merged, Vec::new(), e2),
            last: linear(weights, "xyz.encoder.second_conv.3", shape.width),
        }
    }

    /// neighbours `[G, K]` -> out `[G, c]`.
    fn run(&self, points: &[[f32; 3]], centres: &[[f32; 3]], neighbours: &[usize], k: usize, out: &mut Vec<f32>) {
        let c = self.last.to;
        out.resize(centres.len() * c, 0.0);
        let tasks = out
            .par_chunks_mut(GROUPS_PER_TASK * c)
            .zip(centres.par_chunks(GROUPS_PER_TASK))
            .zip(neighbours.par_chunks(GROUPS_PER_TASK * k));
        tasks.for_each_init(EncoderScratch::default, |scratch, ((out, centres), neighbours)| {
            scratch.offsets.clear();
            for (centre, group) in centres.iter().zip(neighbours.chunks_exact(k)) {
                scratch
                    .offsets
                    .extend(group.iter().flat_map(|&i| [0, 1, 2].map(|axis| points[i][axis] - centre[axis])));
            }
            self.encode(k, scratch, out);
        });
    }

    fn encode(&self, k: usize, s: &mut EncoderScratch, out: &mut [f32]) {
        self.first.run(&s.offsets, &mut s.first, Parallelism::None);
        relu(&mut s.first);
        self.second.run(&s.first, &mut s.second, Parallelism::None);
        s.pooled.resize(out.len() / self.last.to * self.second.to, 0.0);
        maximum(&s.second, k, self.second.to, &mut s.pooled);
        self.pooled.run(&s.pooled, &mut s.shared, Parallelism::None);
        self.local.run(&s.first, &mut s.third, Parallelism::None);
        let e2 = self.local.to;
        for (group, shared) in s.third.chunks_exact_mut(k * e2).zip(s.shared.chunks_exact(e2)) {
            group
                .chunks_exact_mut(e2)
                .for_each(|row| row.iter_mut().zip(shared).for_each(|(v, b)| *v = (*v + b).max(0.0)));
        }
        self.last.run(&s.third, &mut s.last, Parallelism::None);
        maximum(&s.last, k, self.last.to, out);
    }
}

#[derive(Default)]
struct EncoderScratch {
    offsets: Vec<f32>,
    first: Vec<f32>,
    second: Vec<f32>,
    pooled: Vec<f32>,
    shared: Vec<f32>,
    third: Vec<f32>,
    last: Vec<f32>,
}

fn relu(x: &mut [f32]) {
    x.iter_mut().for_each(|v| *v = v.max(0.0));
}

/// Maximum over each group: x `[n K, c]` -> out `[n, c]`.
fn maximum(x: &[f32], k: usize, c: usize, out: &mut [f32]) {
    for (group, out) in x.chunks_exact(k * c).zip(out.chunks_exact_mut(c)) {
        out.copy_from_slice(&group[..c]);
        group[c..].chunks_exact(c).for_each(|row| out.iter_mut().zip(row).for_each(|(o, v)| *o = o.max(*v)));
    }
}

/// BatchNorm with its running statistics is an affine map: it goes into the layer before it.
fn fold_batch_norm(mut layer: Linear, weights: &mut Weights, name: &str) -> Linear {
    let mut part = |leaf: &str| take(weights, &format!("{name}.{leaf}"));
    let (weight, bias, mean, variance) = (part("weight"), part("bias"), part("running_mean"), part("running_var"));
    for i in 0..layer.to {
        let scale = weight[i] / (variance[i] + EPSILON).sqrt();
        layer.weight[i * layer.from..][..layer.from].iter_mut().for_each(|w| *w *= scale);
        layer.bias[i] = (layer.bias[i] - mean[i]) * scale + bias[i];
    }
    layer
}
