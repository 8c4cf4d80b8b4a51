//! The group encoder of Point-MAE in its folded form (`fold/encoder.rs`).

use super::aligned::row_stride;
use super::elementwise::{add_rows, copy, maximum_rows, relu};
use super::kernel::Kernel;
use super::layer::{Activation, Layer};
use super::packed::Scratch as ProductScratch;
use super::workers::{EncoderScratch, Workers};
use crate::backend::arithmetic::Arithmetic;
use crate::fold::encoder::FoldedEncoder;
use crate::fold::linear::Linear;
use crate::model::{PointMaeShape, Tensors};
use crate::shapes::XYZ;

/// Approximate number of points that a task takes through the layers.
const POINTS_PER_TASK: usize = 128;

pub struct GroupEncoder {
    first: Layer,
    second: Layer,
    pooled: Layer,
    local: Layer,
    last: Layer,
    /// The second layer's maximum of each group, `[G, e1]`, and the third layer on it, `[G, e2]`.
    maxima: Vec<f32>,
    shared: Vec<f32>,
}

impl GroupEncoder {
    pub fn new(kernel: &'static Kernel, shape: &PointMaeShape, weights: &mut Tensors) -> Self {
        let FoldedEncoder { first, second, pooled, local, last } = FoldedEncoder::new(shape, weights);
        let layer = |kernel, from: Linear| Layer::new(kernel, &from.weight, from.bias, from.to);
        Self {
            // f32: offsets are millimetres in metres and a sum has three terms, so offsets keep their precision here.
            first: layer(Kernel::best(Arithmetic::F32), first),
            second: layer(kernel, second),
            pooled: layer(kernel, pooled),
            local: layer(kernel, local),
            last: layer(kernel, last),
            maxima: Vec::new(),
            shared: Vec::new(),
        }
    }

    /// neighbours `[G, K]` -> out `[G, c]`.
    pub fn run(
        &mut self,
        workers: &mut Workers,
        points: &[[f32; 3]],
        centres: &[[f32; 3]],
        neighbours: &[u32],
        k: usize,
        out: &mut [f32],
    ) {
        let groups = (POINTS_PER_TASK / k).max(1);
        let (g, e1, e2, c) = (centres.len(), self.second.packed.to, self.pooled.packed.to, self.last.packed.to);
        let group = |task: usize| {
            let some = task * groups..g.min((task + 1) * groups);
            (&centres[some.clone()], &neighbours[some.start * k..some.end * k])
        };
        self.maxima.resize(g * e1, 0.0);
        let Self { first, second, pooled, local, last, maxima, shared } = self;
        workers.each_chunk(maxima, groups * e1, |scratch, task, maxima| {
            let (centres, neighbours) = group(task);
            first_layer(first, points, centres, neighbours, &mut scratch.encoder, &mut scratch.product);
            pool(second, (&scratch.encoder.first, row_stride(first.packed.to)), k, &mut scratch.product, maxima);
        });
        shared.resize(g * e2, 0.0);
        pooled.run(workers, (maxima, e1), g, (shared, e2), Activation::None);
        workers.each_chunk(out, groups * c, |scratch, task, out| {
            let (centres, neighbours) = group(task);
            let (encoder, product) = (&mut scratch.encoder, &mut scratch.product);
            // The first layer is computed again: with three terms a sum this takes less time than reading its output
            // back.
            first_layer(first, points, centres, neighbours, encoder, product);
            let shared = &shared[task * groups * e2..][..centres.len() * e2];
            third_layer(local, k, row_stride(first.packed.to), shared, encoder, product);
            pool(last, (&encoder.third, row_stride(e2)), k, product, out);
        });
    }
}

/// Applies the first layer to the offsets of each group's points from its centre.
fn first_layer(
    layer: &Layer,
    points: &[[f32; 3]],
    centres: &[[f32; 3]],
    neighbours: &[u32],
    scratch: &mut EncoderScratch,
    product: &mut ProductScratch,
) {
    let EncoderScratch { offsets, first, .. } = scratch;
    offsets.clear();
    for (centre, group) in centres.iter().zip(neighbours.chunks_exact(neighbours.len() / centres.len())) {
        offsets.extend(group.iter().flat_map(|&i| [0, 1, 2].map(|axis| points[i as usize][axis] - centre[axis])));
    }
    let (rows, width, stride) = (neighbours.len(), layer.packed.width(), row_stride(layer.packed.to));
    first.resize(rows * stride);
    layer.packed.product((offsets, XYZ), rows, 0..layer.packed.panels(), product, |panel, tile| {
        add_rows(tile, layer.bias(panel));
        relu(tile);
        copy_columns(tile, width, panel, first, stride, layer.packed.to);
    });
}

/// Applies the third layer: its half for each point's own feature, plus its half that the points of a group share.
fn third_layer(
    layer: &Layer,
    k: usize,
    first_stride: usize,
    shared: &[f32],
    scratch: &mut EncoderScratch,
    product: &mut ProductScratch,
) {
    let EncoderScratch { first, third, .. } = scratch;
    let (e2, width) = (layer.packed.to, layer.packed.width());
    let (rows, stride) = (shared.len() / e2 * k, row_stride(e2));
    third.resize(rows * stride);
    layer.packed.product((first, first_stride), rows, 0..layer.packed.panels(), product, |panel, tile| {
        let columns = width.min(e2 - panel * width);
        for (tile, shared) in tile.chunks_exact_mut(k * width).zip(shared.chunks_exact(e2)) {
            let shared = &shared[panel * width..][..columns];
            for row in tile.chunks_exact_mut(width) {
                row.iter_mut().zip(shared).for_each(|(v, s)| *v = (*v + s).max(0.0));
            }
        }
        copy_columns(tile, width, panel, third, stride, e2);
    });
}

/// Applies a layer to x and writes its maximum over each group of `k` rows to `out`, `[groups, to]`.
fn pool(layer: &Layer, (x, stride): (&[f32], usize), k: usize, product: &mut ProductScratch, out: &mut [f32]) {
    let (to, width) = (layer.packed.to, layer.packed.width());
    let rows = out.len() / to * k;
    layer.packed.product((x, stride), rows, 0..layer.packed.panels(), product, |panel, tile| {
        let columns = width.min(to - panel * width);
        for (tile, out) in tile.chunks_exact_mut(k * width).zip(out.chunks_exact_mut(to)) {
            let (maximum, rest) = tile.split_at_mut(width);
            maximum_rows(rest, maximum);
            let out = &mut out[panel * width..][..columns];
            out.iter_mut().zip(maximum.iter().zip(layer.bias(panel))).for_each(|(out, (m, b))| *out = m + b);
        }
    });
}

/// Copies a panel's tile into its columns of `out`, `[rows, to]` at `stride`.
fn copy_columns(tile: &[f32], width: usize, panel: usize, out: &mut [f32], stride: usize, to: usize) {
    let (column, columns) = (panel * width, width.min(to - panel * width));
    for (tile, out) in tile.chunks_exact(width).zip(out.chunks_exact_mut(stride)) {
        copy(&mut out[column..column + columns], tile);
    }
}
