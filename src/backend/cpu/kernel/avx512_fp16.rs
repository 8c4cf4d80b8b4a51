//! AVX512-FP16: a tile of 14 x 64, with 28 sums of 32 f16, two operands and a broadcast in 32 registers. Short sums in
//! f16 are added to the tile's in f32, in the same steps as with NEON.
//!
//! A broadcast of 16 bits occupies a unit that multiplies, one of 32 bits does not: so rows are doubled first, each
//! value beside itself.

use std::arch::x86_64::*;

use super::avx512;
use super::tile::{F16_DEPTH, Tile, by_rows};

pub fn has() -> bool {
    avx512::has_f32() && crate::vectorised::has_avx512() && is_x86_feature_detected!("avx512fp16")
}

/// # Safety
/// See [`super::Kernel::run`]; a cell of `a` is a pair of f16, and a row of cells of `b` two rows of f16.
pub unsafe fn run(tile: &Tile) {
    // SAFETY: the caller's promises are those that `rows` needs.
    unsafe { by_rows!(tile, rows: 1 2 3 4 5 6 7 8 9 10 11 12 13, 14) }
}

#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512fp16")]
unsafe fn rows<const ROWS: usize>(tile: &Tile) {
    let (depth, b) = (2 * tile.depth, tile.b.cast::<i16>());
    // SAFETY: the caller promises rows, depth and 64 columns at the tile's pointers and strides.
    unsafe {
        let rows: [*const i16; ROWS] = std::array::from_fn(|r| tile.a.add(r * tile.a_stride).cast());
        for start in (0..depth).step_by(F16_DEPTH) {
            let mut sum = [[_mm512_setzero_ph(); 2]; ROWS];
            let end = depth.min(start + F16_DEPTH);
            let mut doubled = [[0; F16_DEPTH]; ROWS];
            for r in 0..ROWS {
                double(rows[r].add(start), end - start, &mut doubled[r]);
            }
            for k in start..end {
                let b = b.add(k * 64);
                let left = _mm512_castsi512_ph(_mm512_loadu_si512(b.cast()));
                let right = _mm512_castsi512_ph(_mm512_loadu_si512(b.add(32).cast()));
                for r in 0..ROWS {
                    let x = _mm512_castsi512_ph(_mm512_set1_epi32(doubled[r][k - start]));
                    sum[r][0] = _mm512_fmadd_ph(x, left, sum[r][0]);
                    sum[r][1] = _mm512_fmadd_ph(x, right, sum[r][1]);
                }
            }
            for (r, sum) in sum.iter().enumerate() {
                let c = tile.c.add(r * tile.c_stride);
                store(c, sum, start > 0 || tile.add);
            }
        }
    }
}

/// Writes each of `count` values twice, and zeros after them.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
unsafe fn double(row: *const i16, count: usize, out: &mut [i32; F16_DEPTH]) {
    for (i, out) in out.chunks_exact_mut(16).enumerate() {
        let here = count.saturating_sub(16 * i).min(16);
        // SAFETY: the caller promises `count` values at `row`, and no other is read; `out` has sixteen places.
        unsafe {
            let mask = ((1u32 << here) - 1) as u16;
            let values = _mm256_maskz_loadu_epi16(mask, row.wrapping_add(16 * i));
            let wide = _mm512_cvtepu16_epi32(values);
            let twice = _mm512_or_si512(wide, _mm512_slli_epi32::<16>(wide));
            _mm512_storeu_si512(out.as_mut_ptr().cast(), twice);
        }
    }
}

/// Writes a row of sums to 64 f32, or adds it to them.
#[inline]
#[target_feature(enable = "avx512f,avx512fp16")]
unsafe fn store(c: *mut f32, sum: &[__m512h; 2], add: bool) {
    for (i, sum) in sum.iter().enumerate() {
        let sum = _mm512_castph_si512(*sum);
        let halves = [_mm512_castsi512_si256(sum), _mm512_extracti64x4_epi64::<1>(sum)];
        for (j, half) in halves.into_iter().enumerate() {
            let wide = _mm512_cvtph_ps(half);
            // SAFETY: the caller promises 64 columns at `c`.
            unsafe {
                let c = c.add(32 * i + 16 * j);
                _mm512_storeu_ps(c, if add { _mm512_add_ps(_mm512_loadu_ps(c), wide) } else { wide });
            }
        }
    }
}
