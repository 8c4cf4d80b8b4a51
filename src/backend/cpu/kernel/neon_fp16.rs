//! NEON with f16: a tile of 8 x 16, with sixteen sums of eight, two operands and eight rows in 32 registers. Short sums
//! in f16 are added to the tile's in f32. The Cortex-A78AE has these instructions, but neither bf16 nor products of f16
//! that are summed in f32.
//!
//! A row's values are loaded eight at a time and multiplied by lane: a load into all lanes would occupy the units that
//! multiply.

use std::arch::aarch64::*;
use std::arch::is_aarch64_feature_detected;

use super::tile::{F16_DEPTH, Tile, by_rows};

/// f16 in a register.
const LANES: usize = 8;

pub fn has() -> bool {
    is_aarch64_feature_detected!("fp16")
}

/// # Safety
/// See [`super::Kernel::run`]; a cell of `a` is a pair of f16, and a row of cells of `b` two rows of f16.
pub unsafe fn run(tile: &Tile) {
    // SAFETY: the caller's promises are those that `rows` needs.
    unsafe { by_rows!(tile, rows: 1 2 3 4 5 6 7, 8) }
}

#[target_feature(enable = "fp16")]
unsafe fn rows<const ROWS: usize>(tile: &Tile) {
    let (depth, b) = (2 * tile.depth, tile.b.cast::<u16>());
    // SAFETY: the caller promises rows, depth and 16 columns at the tile's pointers and strides.
    unsafe {
        let rows: [*const u16; ROWS] = std::array::from_fn(|r| tile.a.add(r * tile.a_stride).cast());
        for start in (0..depth).step_by(F16_DEPTH) {
            let mut sum = [[vreinterpretq_f16_u16(vdupq_n_u16(0)); 2]; ROWS];
            let end = depth.min(start + F16_DEPTH);
            let whole = start + (end - start) / LANES * LANES;
            for k in (start..whole).step_by(LANES) {
                let x = rows.map(|row| vreinterpretq_f16_u16(vld1q_u16(row.add(k))));
                step::<ROWS, 0>(&mut sum, &x, b.add(16 * k));
                step::<ROWS, 1>(&mut sum, &x, b.add(16 * (k + 1)));
                step::<ROWS, 2>(&mut sum, &x, b.add(16 * (k + 2)));
                step::<ROWS, 3>(&mut sum, &x, b.add(16 * (k + 3)));
                step::<ROWS, 4>(&mut sum, &x, b.add(16 * (k + 4)));
                step::<ROWS, 5>(&mut sum, &x, b.add(16 * (k + 5)));
                step::<ROWS, 6>(&mut sum, &x, b.add(16 * (k + 6)));
                step::<ROWS, 7>(&mut sum, &x, b.add(16 * (k + 7)));
            }
            for k in whole..end {
                let x = rows.map(|row| vreinterpretq_f16_u16(vld1q_dup_u16(row.add(k))));
                step::<ROWS, 0>(&mut sum, &x, b.add(16 * k));
            }
            for (r, sum) in sum.iter().enumerate() {
                store(tile.c.add(r * tile.c_stride), sum, start > 0 || tile.add);
            }
        }
    }
}

/// Adds the products of one depth: a lane of each row by the 16 columns at `b`.
#[inline]
#[target_feature(enable = "fp16")]
unsafe fn step<const ROWS: usize, const LANE: i32>(
    sum: &mut [[float16x8_t; 2]; ROWS],
    x: &[float16x8_t; ROWS],
    b: *const u16,
) {
    // SAFETY: the caller promises 16 columns at `b`.
    let b = [0, LANES].map(|j| unsafe { vreinterpretq_f16_u16(vld1q_u16(b.add(j))) });
    for (sum, x) in sum.iter_mut().zip(x) {
        *sum = [0, 1].map(|j| vfmaq_laneq_f16::<LANE>(sum[j], b[j], *x));
    }
}

/// Writes a row of sums to 16 f32, or adds it to them.
#[inline]
#[target_feature(enable = "fp16")]
unsafe fn store(c: *mut f32, sum: &[float16x8_t; 2], add: bool) {
    for (i, sum) in sum.iter().enumerate() {
        let wide = [vcvt_f32_f16(vget_low_f16(*sum)), vcvt_high_f32_f16(*sum)];
        for (j, wide) in wide.into_iter().enumerate() {
            // SAFETY: the caller promises 16 columns at `c`.
            unsafe {
                let c = c.add(LANES * i + 4 * j);
                vst1q_f32(c, if add { vaddq_f32(vld1q_f32(c), wide) } else { wide });
            }
        }
    }
}
