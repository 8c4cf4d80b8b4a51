//! The shape network: Point-MAE (section 4).

use super::group_encoder::GroupEncoder;
use super::kernel::Kernel;
use super::layer::{Activation, Layer};
use super::searches::nearest_points;
use super::transformer::{Block, BlockBuffers, BlockShape, Norm, layer};
use super::workers::Workers;
use crate::backend::arithmetic::Arithmetic;
use crate::backend::features::XyzGroups;
use crate::model::{PointMaeShape, Tensors};
use crate::shapes::{P, XYZ};
use crate::spatial::grouping::Grouping;

pub struct PointMae {
    shape: PointMaeShape,
    grouping: Grouping,
    encoder: GroupEncoder,
    position_in: Layer,
    position_out: Layer,
    blocks: Vec<Block>,
    norm: Norm,
    /// Points of each group, `[G, K]`.
    neighbours: Vec<u32>,
    /// Hidden units of the position embeddings, `[G, position_hidden]`, and the embeddings, `[G, c]`.
    position_hidden: Vec<f32>,
    positions: Vec<f32>,
    x: Vec<f32>,
    normed: Vec<f32>,
}

impl PointMae {
    pub fn new(kernel: &'static Kernel, shape: &PointMaeShape, weights: &mut Tensors) -> Self {
        let PointMaeShape { width, heads, mlp, layers, .. } = *shape;
        let sizes = BlockShape { width, mlp, heads, epsilon: PointMaeShape::EPSILON };
        let mut block = |i| Block::new(kernel, weights, &format!("xyz.blocks.blocks.{i}"), &sizes);
        let blocks = (0..layers).map(&mut block).collect();
        Self {
            grouping: Grouping::with_capacity(P),
            encoder: GroupEncoder::new(kernel, shape, weights),
            // f32: coordinates are metres, far below one, and keep their precision here.
            position_in: layer(Kernel::best(Arithmetic::F32), weights, "xyz.pos_embed.0", shape.position_hidden),
            position_out: layer(kernel, weights, "xyz.pos_embed.2", width),
            blocks,
            norm: Norm::new(weights, "xyz.norm", PointMaeShape::EPSILON),
            shape: shape.clone(),
            neighbours: Vec::new(),
            position_hidden: Vec::new(),
            positions: Vec::new(),
            x: Vec::new(),
            normed: Vec::new(),
        }
    }

    /// points `[N, 3]`, N at least 1 -> features `[G, C_XYZ]` and centres.
    pub fn run(&mut self, workers: &mut Workers, buffers: &mut BlockBuffers, points: &[[f32; 3]], out: &mut XyzGroups) {
        let (g, k) = (self.shape.groups, self.shape.group_size);
        self.grouping.sample(points, g, &mut out.centre_index);
        out.centres.clear();
        out.centres.extend(out.centre_index.iter().map(|&i| points[i]));
        let mut neighbours = std::mem::take(&mut self.neighbours);
        nearest_points(workers, &self.grouping, &out.centres, k, &mut neighbours);
        self.encode(workers, buffers, points, &neighbours, out);
        self.neighbours = neighbours;
    }

    /// Computes the features of `out.centres` from the `neighbours` of each, `[G, K]`.
    pub fn encode(
        &mut self,
        workers: &mut Workers,
        buffers: &mut BlockBuffers,
        points: &[[f32; 3]],
        neighbours: &[u32],
        out: &mut XyzGroups,
    ) {
        let (g, k, c) = (self.shape.groups, self.shape.group_size, self.shape.width);
        self.x.resize(g * c, 0.0);
        self.encoder.run(workers, points, &out.centres, neighbours, k, &mut self.x);
        self.embed_positions(workers, &out.centres);
        let taps = self.shape.taps.len();
        out.features.resize(g * c * taps, 0.0);
        self.normed.resize(g * c, 0.0);
        for (i, block) in self.blocks.iter().enumerate() {
            self.x.iter_mut().zip(&self.positions).for_each(|(x, p)| *x += p);
            block.run(workers, &mut self.x, buffers);
            if let Some(tap) = self.shape.taps.iter().position(|&t| t == i) {
                self.norm.run(workers, &self.x, &mut self.normed);
                let rows = out.features.chunks_exact_mut(c * taps).zip(self.normed.chunks_exact(c));
                rows.for_each(|(out, row)| out[tap * c..][..c].copy_from_slice(row));
            }
        }
    }

    fn embed_positions(&mut self, workers: &mut Workers, centres: &[[f32; 3]]) {
        let (g, hidden, c) = (centres.len(), self.shape.position_hidden, self.shape.width);
        self.position_hidden.resize(g * hidden, 0.0);
        self.positions.resize(g * c, 0.0);
        let into = (self.position_hidden.as_mut_slice(), hidden);
        self.position_in.run(workers, (centres.as_flattened(), XYZ), g, into, Activation::Gelu);
        let into = (self.positions.as_mut_slice(), c);
        self.position_out.run(workers, (&self.position_hidden, hidden), g, into, Activation::None);
    }
}
