//! NEON with dot products: a tile of 5 x 16, with twenty sums, four operands and five rows in 32 registers. A cell is
//! four integers, summed in i32. The intrinsics are not stable, so the instruction is written as assembly.
//!
//! A row's cells are loaded four at a time and multiplied by lane: a load into all lanes would occupy the units that
//! multiply.

use std::arch::aarch64::*;
use std::arch::{asm, is_aarch64_feature_detected};

use super::tile::{Tile, by_rows};

/// Cells in a register.
const LANES: usize = 4;

pub fn has() -> bool {
    is_aarch64_feature_detected!("dotprod")
}

/// # Safety
/// See [`super::Kernel::run`]; a cell is four signed integers.
pub unsafe fn run(tile: &Tile) {
    // SAFETY: the caller's promises are those that `rows` needs.
    unsafe { by_rows!(tile, rows: 1 2 3 4, 5) }
}

#[target_feature(enable = "dotprod")]
unsafe fn rows<const ROWS: usize>(tile: &Tile) {
    let Tile { depth, a, a_stride, b, c, c_stride, add, .. } = *tile;
    let (b, c) = (b.cast::<i32>(), c.cast::<i32>());
    // SAFETY: the caller promises rows, depth and 16 columns at these pointers and strides.
    unsafe {
        let mut sum = [[vdupq_n_s32(0); 4]; ROWS];
        if add {
            for (r, sum) in sum.iter_mut().enumerate() {
                *sum = [0, 4, 8, 12].map(|j| vld1q_s32(c.add(r * c_stride + j)));
            }
        }
        let rows: [*const i32; ROWS] = std::array::from_fn(|r| a.add(r * a_stride).cast());
        let whole = depth / LANES * LANES;
        for k in (0..whole).step_by(LANES) {
            let x = rows.map(|row| vld1q_s32(row.add(k)));
            step::<ROWS, 0>(&mut sum, &x, b.add(16 * k));
            step::<ROWS, 1>(&mut sum, &x, b.add(16 * (k + 1)));
            step::<ROWS, 2>(&mut sum, &x, b.add(16 * (k + 2)));
            step::<ROWS, 3>(&mut sum, &x, b.add(16 * (k + 3)));
        }
        for k in whole..depth {
            let x = rows.map(|row| vld1q_dup_s32(row.add(k)));
            step::<ROWS, 0>(&mut sum, &x, b.add(16 * k));
        }
        for (r, sum) in sum.iter().enumerate() {
            for (j, sum) in sum.iter().enumerate() {
                vst1q_s32(c.add(r * c_stride + 4 * j), *sum);
            }
        }
    }
}

/// Adds the products of one cell of depth: a lane of each row by the 16 columns at `b`.
#[inline]
#[target_feature(enable = "dotprod")]
unsafe fn step<const ROWS: usize, const LANE: i32>(
    sum: &mut [[int32x4_t; 4]; ROWS],
    x: &[int32x4_t; ROWS],
    b: *const i32,
) {
    // SAFETY: the caller promises 16 columns at `b`.
    let b = [0, 4, 8, 12].map(|j| unsafe { vld1q_s32(b.add(j)) });
    for (sum, x) in sum.iter_mut().zip(x) {
        for j in 0..4 {
            // SAFETY: the instruction reads and writes only these registers.
            unsafe {
                asm!(
                    "sdot {sum:v}.4s, {b:v}.16b, {x:v}.4b[{lane}]",
                    sum = inout(vreg) sum[j], b = in(vreg) b[j], x = in(vreg) *x, lane = const LANE,
                    options(pure, nomem, nostack, preserves_flags)
                );
            }
        }
    }
}
