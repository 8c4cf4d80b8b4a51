//! Launches of both networks by the program's own kernels.

use super::launch::{Launch, Work, warps};
use super::phase::{Phase, Step, Stream};
use super::products::Product;
use crate::backend::kernel_sizes::padded;
use crate::model::{PointMaeShape, VitShape};
use crate::shapes::{P, PATCH, PATCH_VALUES, RGB, T, XYZ};

const THREADS: usize = 256;
const ATTENTION_THREADS: usize = 128;
/// Rows of a block of `attention`, and keys of a tile.
const ATTENTION_TILE: usize = 64;
/// Channels of a head that values are multiplied with, whatever the head has.
const DEPTH: usize = 64;
/// Rows and columns of the matrix units' smallest part.
const PART: usize = 16;
/// Points of a block of `group_maxima` and of a turn of `group_features`, and columns of a block of the latter.
const MAXIMA_ROWS: usize = 128;
const FEATURE_ROWS: usize = 64;
const FEATURE_COLUMNS: usize = 384;
/// Columns of the encoder's third layer that a block has at a time.
const PIECE: usize = 128;

/// A Transformer's sizes, and its rows `n`.
struct Sizes {
    n: usize,
    width: usize,
    heads: usize,
    mlp: usize,
}

/// image -> tokens.
pub fn vit(phase: &mut Phase, stream: Stream, shape: &VitShape, multiprocessors: usize) {
    let sizes = Sizes { n: T + 1, width: shape.width, heads: shape.heads, mlp: shape.mlp };
    let segments = T * RGB * PATCH;
    let work = Work { instructions: warps(segments) * 40.0, bytes: (4 * RGB * P) as f64, ..Work::default() };
    phase.launch(stream, Launch::over("patches", segments, THREADS, THREADS, work));
    phase.launch(stream, Product::new(T + 1, PATCH_VALUES, shape.width).inner_products());
    for i in 0..shape.layers {
        block(phase, stream, &sizes, i == 0, multiprocessors);
    }
    phase.launch(stream, layer_norm(T, shape.width, false));
}

/// Offsets and centres -> features.
pub fn point_mae(phase: &mut Phase, stream: Stream, shape: &PointMaeShape, multiprocessors: usize) {
    let PointMaeShape { width, groups, .. } = *shape;
    let sizes = Sizes { n: groups, width, heads: shape.heads, mlp: shape.mlp };
    group_encoder(phase, stream, shape, multiprocessors);
    let hidden = padded(shape.position_hidden);
    let pairs = groups * hidden / 2;
    let work = Work { instructions: warps(pairs) * 110.0, bytes: (2 * groups * hidden) as f64, ..Work::default() };
    phase.launch(stream, Launch::over("position_units", pairs, THREADS, THREADS, work));
    phase.push(stream, Step::Fill(4 * groups * width));
    phase.launch(stream, Product::new(groups, hidden, width).add_linear());
    for i in 0..shape.layers {
        block(phase, stream, &sizes, true, multiprocessors);
        if shape.taps.contains(&i) {
            phase.launch(stream, layer_norm(groups, width, false));
        }
    }
}

fn block(phase: &mut Phase, stream: Stream, sizes: &Sizes, with_positions: bool, multiprocessors: usize) {
    let Sizes { n, width, mlp, .. } = *sizes;
    let mlp = padded(mlp);
    phase.launch(stream, layer_norm(n, width, with_positions));
    phase.launch(stream, Product::new(n, width, 3 * width).linear(false, multiprocessors));
    phase.launch(stream, attention(sizes));
    phase.launch(stream, Product::new(n, width, width).add_linear());
    phase.launch(stream, layer_norm(n, width, false));
    phase.launch(stream, Product::new(n, width, mlp).linear(true, multiprocessors));
    phase.launch(stream, Product::new(n, mlp, width).add_linear());
}

/// A warp for each row; positions are added to the stream and stay in it.
fn layer_norm(rows: usize, width: usize, with_positions: bool) -> Launch {
    let steps = width.div_ceil(64) as f64;
    let (instructions, bytes) = if with_positions { (31.0, 14) } else { (27.0, 6) };
    let work = Work {
        instructions: rows as f64 * (250.0 + steps * instructions),
        bytes: (bytes * rows * width) as f64,
        ..Work::default()
    };
    Launch::over("layer_norm", rows, THREADS / 32, THREADS, work)
}

fn attention(sizes: &Sizes) -> Launch {
    let Sizes { n, width, heads, .. } = *sizes;
    let blocks = [n.div_ceil(ATTENTION_TILE), heads];
    let tiles = (blocks[0] * heads * n.div_ceil(ATTENTION_TILE)) as f64;
    let depth = (width / heads).next_multiple_of(PART) + DEPTH;
    let each_warp = (ATTENTION_THREADS / 32) as f64;
    let work = Work {
        operations: tiles * (2 * ATTENTION_TILE * ATTENTION_TILE * depth) as f64,
        // A tile of keys, and what comes before the first and after the last.
        instructions: each_warp * (tiles * 740.0 + (blocks[0] * heads) as f64 * 500.0),
        bytes: (2 * 4 * n * width) as f64,
        cycles: 0.0,
    };
    Launch::new("attention", blocks, ATTENTION_THREADS, work)
}

fn group_encoder(phase: &mut Phase, stream: Stream, shape: &PointMaeShape, multiprocessors: usize) {
    let PointMaeShape { groups, group_size, width, .. } = *shape;
    let [e0, e1, e2] = shape.encoder.map(|units| units.next_multiple_of(PART));
    let points = group_size.next_power_of_two().max(PART);
    let rows = groups * points;
    let each_warp = (THREADS / 32) as f64;
    // 83 instructions for two units of the first layer in each lane.
    let first = |rows: usize| (rows * e0 / 2).div_ceil(THREADS) as f64 * 83.0;
    // Of the largest of each column of 16 for each group among `rows` rows.
    let maxima = |rows: usize| (4 * rows.div_ceil(points)) as f64 * 70.0;
    let blocks = rows.div_ceil(MAXIMA_ROWS);
    let parts = (e1 / PART) as f64 / each_warp;
    let each_part = 84.0 + (e0 / PART) as f64 * 33.5 + maxima(MAXIMA_ROWS);
    let offsets = 2 * XYZ * groups * group_size;
    let work = Work {
        operations: (2 * blocks * MAXIMA_ROWS * e0 * e1) as f64,
        instructions: blocks as f64 * each_warp * (first(MAXIMA_ROWS) + parts * each_part),
        bytes: (offsets + 2 * (e0 * e1 + groups * e1)) as f64,
        cycles: 0.0,
    };
    phase.launch(stream, Launch::over("group_maxima", rows, MAXIMA_ROWS, THREADS, work));
    phase.launch(stream, Product::new(groups, e1, e2).linear(false, multiprocessors));
    let blocks = [rows.div_ceil(FEATURE_ROWS.max(points)), width.div_ceil(FEATURE_COLUMNS)];
    let turns = (blocks[0] * FEATURE_ROWS.max(points) / FEATURE_ROWS) as f64 * blocks[1] as f64;
    let columns = width.next_multiple_of(PART).min(FEATURE_COLUMNS);
    let third = (e0 / PART) as f64 * 18.0 + 336.0;
    let pieces = e2.div_ceil(PIECE) as f64;
    let last = 3.0 * maxima(FEATURE_ROWS) + 65.0;
    let work = Work {
        operations: turns * (2 * FEATURE_ROWS * (e0 * e2 + e2 * columns)) as f64,
        instructions: turns * each_warp * (first(FEATURE_ROWS) + pieces * (third + 570.0) + last),
        bytes: (offsets + 2 * (e2 * (e0 + width) + groups * e2) + 4 * groups * width) as f64,
        cycles: 0.0,
    };
    phase.launch(stream, Launch::new("group_features", blocks, THREADS, work));
}
