//! Scaled dot-product attention by tiles. A tile of queries is multiplied with one block of keys after another, and its
//! softmax is rescaled when a larger score turns up, so that a whole row of scores is never stored.

use super::aligned::Aligned;
use super::elementwise::{exponential, exponentiate, maximum, vectorised};
use super::kernel::{Kernel, Tile};
use super::team::Parts;
use super::workers::{AttentionScratch, Scratch, Workers};
use crate::backend::arithmetic::Arithmetic;

/// Approximate number of queries in a tile, and number of keys that are multiplied with it at a time: their scores fit
/// the first-level cache.
const QUERIES: usize = 48;
const KEYS: usize = 128;

/// Keys and values of every head, packed as the micro-kernel reads them, in buffers that networks share.
pub struct Attention {
    kernel: &'static Kernel,
    heads: usize,
    /// Channels of a head.
    depth: usize,
    /// `[heads, panels of keys, depth, columns]`.
    keys: Aligned,
    /// `[heads, panels of depth, n, columns]`.
    values: Aligned,
}

impl Default for Attention {
    fn default() -> Self {
        let kernel = Kernel::best(Arithmetic::F32);
        assert!(KEYS.is_multiple_of(kernel.columns));
        Self { kernel, heads: 1, depth: 1, keys: Aligned::default(), values: Aligned::default() }
    }
}

impl Attention {
    /// qkv `[n, 3 c]` -> out `[n, c]`.
    pub fn run(&mut self, workers: &mut Workers, heads: usize, width: usize, qkv: &[f32], out: &mut [f32]) {
        (self.heads, self.depth) = (heads, width / heads);
        let n = qkv.len() / (3 * width);
        self.pack(workers, qkv, n);
        let queries = (QUERIES / self.kernel.rows).max(1) * self.kernel.rows;
        let tiles = n.div_ceil(queries);
        let out = Parts::new(out);
        workers.each(self.heads * tiles, |scratch: &mut Scratch, task| {
            let (head, first) = (task / tiles, task % tiles * queries);
            let rows = queries.min(n - first);
            let scratch = &mut scratch.attention;
            self.tile(&qkv[first * 3 * width + head * self.depth..], head, rows, n, scratch);
            let attended = scratch.attended.chunks_exact(self.value_stride());
            for (row, (attended, total)) in attended.zip(&scratch.total).enumerate() {
                // SAFETY: each head's part of each row is written by one task.
                let out = unsafe { out.part((first + row) * width + head * self.depth, self.depth) };
                let scale = 1.0 / total;
                out.iter_mut().zip(attended).for_each(|(out, v)| *out = v * scale);
            }
        });
    }

    fn value_stride(&self) -> usize {
        self.depth.next_multiple_of(self.kernel.columns)
    }

    fn pack(&mut self, workers: &mut Workers, qkv: &[f32], n: usize) {
        let (columns, depth, width) = (self.kernel.columns, self.depth, self.heads * self.depth);
        let (keys, values) = (n.next_multiple_of(columns) * depth, n * self.value_stride());
        self.keys.resize(self.heads * keys);
        self.values.resize(self.heads * values);
        let (key_parts, value_parts) = (Parts::new(&mut self.keys), Parts::new(&mut self.values));
        workers.each(2 * self.heads, |_, task| {
            let (head, of_keys) = (task / 2, task % 2 == 0);
            let at = |row: usize| {
                let part = if of_keys { 1 } else { 2 };
                &qkv[(row * 3 + part) * width + head * depth..][..depth]
            };
            // SAFETY: a head's keys, and a head's values, are one task each.
            unsafe {
                if of_keys {
                    pack_keys(key_parts.part(head * keys, keys), columns, n, at);
                } else {
                    pack_values(value_parts.part(head * values, values), columns, n, at);
                }
            }
        });
    }

    /// Computes one tile of `rows` queries of a head. `queries` starts with the first of them; its rows are 3 c apart.
    fn tile(&self, queries: &[f32], head: usize, rows: usize, n: usize, scratch: &mut AttentionScratch) {
        let stride = self.value_stride();
        scratch.queries.resize(rows * self.depth);
        let scale = 1.0 / (self.depth as f32).sqrt();
        let from = queries.chunks(3 * self.heads * self.depth).map(|row| &row[..self.depth]);
        for (to, from) in scratch.queries.chunks_exact_mut(self.depth).zip(from) {
            to.iter_mut().zip(from).for_each(|(to, v)| *to = v * scale);
        }
        scratch.scores.resize(rows * KEYS);
        scratch.attended.resize(rows * stride);
        scratch.attended.fill(0.0);
        for (state, start) in [(&mut scratch.largest, f32::NEG_INFINITY), (&mut scratch.total, 0.0)] {
            state.clear();
            state.resize(rows, start);
        }
        for first in (0..n).step_by(KEYS) {
            let keys = KEYS.min(n - first);
            self.score(head, rows, n, (first, keys), scratch);
            soften(scratch, keys, stride);
            self.attend(head, rows, n, (first, keys), scratch);
        }
    }

    /// scores = queries . keys of `first..first + keys`. The columns beyond the last key have no meaning.
    fn score(&self, head: usize, rows: usize, n: usize, keys: (usize, usize), scratch: &mut AttentionScratch) {
        let (columns, depth, a_stride) = (self.kernel.columns, self.depth, self.depth);
        let AttentionScratch { queries, scores, .. } = scratch;
        let (first, keys) = keys;
        let of_head = &self.keys[head * n.next_multiple_of(columns) * depth..];
        for key in (0..keys).step_by(columns) {
            let b = of_head[(first + key) * depth..][..depth * columns].as_ptr();
            let a = queries[..(rows - 1) * a_stride + depth].as_ptr();
            let c = scores[key..][..(rows - 1) * KEYS + columns].as_mut_ptr();
            // SAFETY: the three slices have exactly the tile's size, and this processor has the kernel's instructions.
            unsafe { self.kernel.run(&Tile { rows, depth, a, a_stride, b, c, c_stride: KEYS, add: false }) };
        }
    }

    /// attended += scores . values.
    fn attend(&self, head: usize, rows: usize, n: usize, keys: (usize, usize), scratch: &mut AttentionScratch) {
        let (columns, c_stride) = (self.kernel.columns, self.value_stride());
        let (first, depth) = keys;
        let AttentionScratch { scores, attended, .. } = scratch;
        for column in (0..c_stride).step_by(columns) {
            let b = self.values[(head * c_stride + column) * n + first * columns..][..depth * columns].as_ptr();
            let a = scores[..(rows - 1) * KEYS + depth].as_ptr();
            let c = attended[column..][..(rows - 1) * c_stride + columns].as_mut_ptr();
            // SAFETY: the three slices have exactly the tile's size, and this processor has the kernel's instructions.
            unsafe { self.kernel.run(&Tile { rows, depth, a, a_stride: KEYS, b, c, c_stride, add: true }) };
        }
    }
}

vectorised! {
    /// Replaces each score by exp(score - the query's largest score so far), and rescales the sums attended so far to
    /// match.
    fn soften(scratch: &mut AttentionScratch, keys: usize, stride: usize) {
        let rows = scratch.scores.chunks_exact_mut(KEYS).zip(scratch.attended.chunks_exact_mut(stride));
        for ((scores, attended), (largest, total)) in rows.zip(scratch.largest.iter_mut().zip(&mut scratch.total)) {
            let scores = &mut scores[..keys];
            let here = maximum(scores);
            if here > *largest {
                let scale = exponential::<FUSED>(*largest - here);
                attended.iter_mut().for_each(|v| *v *= scale);
                *total *= scale;
                *largest = here;
            }
            *total += exponentiate::<FUSED>(scores, *largest);
        }
    }
}

/// Packs keys as `[panels, depth, columns]`: a panel is the transpose of `columns` keys; keys beyond the last are zero.
fn pack_keys<'a>(out: &mut [f32], columns: usize, n: usize, at: impl Fn(usize) -> &'a [f32]) {
    let depth = at(0).len();
    for (panel, out) in out.chunks_exact_mut(columns * depth).enumerate() {
        for column in 0..columns {
            let key = panel * columns + column;
            let to = out.iter_mut().skip(column).step_by(columns);
            if key < n { to.zip(at(key)).for_each(|(to, v)| *to = *v) } else { to.for_each(|to| *to = 0.0) }
        }
    }
}

/// Packs values as `[panels of depth, n, columns]`; columns beyond the depth are zero.
fn pack_values<'a>(out: &mut [f32], columns: usize, n: usize, at: impl Fn(usize) -> &'a [f32]) {
    for (panel, out) in out.chunks_exact_mut(n * columns).enumerate() {
        for (row, out) in out.chunks_exact_mut(columns).enumerate() {
            let from = &at(row)[panel * columns..];
            let there = from.len().min(columns);
            out[..there].copy_from_slice(&from[..there]);
            out[there..].fill(0.0);
        }
    }
}
