//! NEON: a tile of 6 x 16, with 24 sums, four operands and a broadcast in 32 registers.

use std::arch::aarch64::*;

use super::tile::{Tile, by_rows};

/// NEON is part of every aarch64 processor.
pub fn has() -> bool {
    true
}

/// # Safety
/// See [`super::Kernel::run`].
pub unsafe fn run(tile: &Tile) {
    // SAFETY: the caller's promises are those that `rows` needs.
    unsafe { by_rows!(tile, rows: 1 2 3 4 5, 6) }
}

unsafe fn rows<const ROWS: usize>(tile: &Tile) {
    let Tile { depth, a, a_stride, b, c, c_stride, add, .. } = *tile;
    // SAFETY: the caller promises rows, depth and 16 columns at these pointers and strides.
    unsafe {
        let mut sum = [[vdupq_n_f32(0.0); 4]; ROWS];
        if add {
            for (r, sum) in sum.iter_mut().enumerate() {
                *sum = [0, 4, 8, 12].map(|j| vld1q_f32(c.add(r * c_stride + j)));
            }
        }
        let rows: [*const f32; ROWS] = std::array::from_fn(|r| a.add(r * a_stride));
        for k in 0..depth {
            let b = [0, 4, 8, 12].map(|j| vld1q_f32(b.add(k * 16 + j)));
            for r in 0..ROWS {
                let x = vld1q_dup_f32(rows[r].add(k));
                for j in 0..4 {
                    sum[r][j] = vfmaq_f32(sum[r][j], x, b[j]);
                }
            }
        }
        for (r, sum) in sum.iter().enumerate() {
            for (j, sum) in sum.iter().enumerate() {
                vst1q_f32(c.add(r * c_stride + 4 * j), *sum);
            }
        }
    }
}
