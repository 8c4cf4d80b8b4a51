//! AVX2 and FMA: 6 x 16, twelve sums, two operands and a broadcast in sixteen registers.

use std::arch::x86_64::*;

use half::f16;

use super::{Tile, by_rows};

pub fn has() -> bool {
    is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") && is_x86_feature_detected!("f16c")
}

/// # Safety
/// See [`super::Kernel::run`].
pub unsafe fn run(tile: &Tile) {
    // SAFETY: the caller's promises are those that `rows` needs.
    unsafe { by_rows!(tile, rows: 1 2 3 4 5, 6) }
}

#[target_feature(enable = "avx2,fma")]
unsafe fn rows<const ROWS: usize>(tile: &Tile) {
    let Tile { depth, a, a_stride, b, c, c_stride, add, .. } = *tile;
    // SAFETY: the caller promises rows, depth and 16 columns at these pointers and strides.
    unsafe {
        let mut sum = [[_mm256_setzero_ps(); 2]; ROWS];
        if add {
            for (r, sum) in sum.iter_mut().enumerate() {
                *sum = [0, 8].map(|j| _mm256_loadu_ps(c.add(r * c_stride + j)));
            }
        }
        let rows: [*const f32; ROWS] = std::array::from_fn(|r| a.add(r * a_stride));
        for k in 0..depth {
            let (left, right) = (_mm256_loadu_ps(b.add(k * 16)), _mm256_loadu_ps(b.add(k * 16 + 8)));
            for r in 0..ROWS {
                let x = _mm256_broadcast_ss(&*rows[r].add(k));
                sum[r][0] = _mm256_fmadd_ps(x, left, sum[r][0]);
                sum[r][1] = _mm256_fmadd_ps(x, right, sum[r][1]);
            }
        }
        for (r, sum) in sum.iter().enumerate() {
            _mm256_storeu_ps(c.add(r * c_stride), sum[0]);
            _mm256_storeu_ps(c.add(r * c_stride + 8), sum[1]);
        }
    }
}

/// # Safety
/// [`has`].
pub unsafe fn widen(halves: &[f16], out: &mut [f32]) {
    // SAFETY: the caller's promise.
    unsafe { widen_by_eight(halves, out) }
}

#[target_feature(enable = "avx,f16c")]
fn widen_by_eight(halves: &[f16], out: &mut [f32]) {
    let ((halves, rest), (out, out_rest)) = (halves.as_chunks::<8>(), out.as_chunks_mut::<8>());
    for (halves, out) in halves.iter().zip(out) {
        // SAFETY: a chunk is eight halves, 16 bytes, and eight f32, 32 bytes; f16 is its bits.
        unsafe {
            let eight = _mm_loadu_si128(halves.as_ptr().cast());
            _mm256_storeu_ps(out.as_mut_ptr(), _mm256_cvtph_ps(eight));
        }
    }
    out_rest.iter_mut().zip(rest).for_each(|(out, half)| *out = half.to_f32());
}
