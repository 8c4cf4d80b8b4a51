//! AVX2: a tile of 6 x 16, with twelve sums, two operands and a broadcast in sixteen registers. A cell is an f32,
//! multiplied by FMA, or, with AVX-VNNI, four integers, summed in i32.

use std::arch::x86_64::*;

use half::f16;

use super::tile::{Tile, by_rows};

pub fn has() -> bool {
    is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") && is_x86_feature_detected!("f16c")
}

/// Intel's processors without AVX-512 have AVX-VNNI from Alder Lake on, also in their small cores.
pub fn has_vnni() -> bool {
    has() && is_x86_feature_detected!("avxvnni")
}

/// # Safety
/// See [`super::Kernel::run`].
pub unsafe fn run(tile: &Tile) {
    // SAFETY: the caller's promises are those that `rows` needs.
    unsafe { by_rows!(tile, rows: 1 2 3 4 5, 6) }
}

/// # Safety
/// See [`super::Kernel::run`]; a cell is four integers, those of `a` unsigned.
pub unsafe fn run_vnni(tile: &Tile) {
    // SAFETY: the caller's promises are those that `rows_vnni` needs.
    unsafe { by_rows!(tile, rows_vnni: 1 2 3 4 5, 6) }
}

/// The loop over the depth. `$add` adds the products of a cell of a row and eight cells of a row of `b` to eight sums.
/// Cells and sums have the type f32 whatever they hold; only `$add` interprets them.
macro_rules! rows {
    ($name:ident, $features:literal, $add:ident) => {
        #[target_feature(enable = $features)]
        unsafe fn $name<const ROWS: usize>(tile: &Tile) {
            let Tile { depth, a, a_stride, b, c, c_stride, add, .. } = *tile;
            // SAFETY: the caller promises rows, depth and 16 columns at these pointers and strides.
            unsafe {
                let mut sum = [[_mm256_setzero_ps(); 2]; ROWS];
                if add {
                    for (r, sum) in sum.iter_mut().enumerate() {
                        *sum = [_mm256_loadu_ps(c.add(r * c_stride)), _mm256_loadu_ps(c.add(r * c_stride + 8))];
                    }
                }
                let rows: [*const f32; ROWS] = std::array::from_fn(|r| a.add(r * a_stride));
                for k in 0..depth {
                    let (left, right) = (_mm256_loadu_ps(b.add(k * 16)), _mm256_loadu_ps(b.add(k * 16 + 8)));
                    for r in 0..ROWS {
                        let x = _mm256_broadcast_ss(&*rows[r].add(k));
                        sum[r][0] = $add(sum[r][0], x, left);
                        sum[r][1] = $add(sum[r][1], x, right);
                    }
                }
                for (r, sum) in sum.iter().enumerate() {
                    _mm256_storeu_ps(c.add(r * c_stride), sum[0]);
                    _mm256_storeu_ps(c.add(r * c_stride + 8), sum[1]);
                }
            }
        }
    };
}
rows!(rows, "avx2,fma", add_f32);
rows!(rows_vnni, "avx2,avxvnni", add_quads);

#[inline]
#[target_feature(enable = "avx2,fma")]
fn add_f32(sum: __m256, a: __m256, b: __m256) -> __m256 {
    _mm256_fmadd_ps(a, b, sum)
}

/// `sum` holds i32.
#[inline]
#[target_feature(enable = "avx2,avxvnni")]
fn add_quads(sum: __m256, a: __m256, b: __m256) -> __m256 {
    let (sum, a, b) = (_mm256_castps_si256(sum), _mm256_castps_si256(a), _mm256_castps_si256(b));
    _mm256_castsi256_ps(_mm256_dpbusd_avx_epi32(sum, a, b))
}

/// # Safety
/// Requires [`has`].
pub unsafe fn widen(halves: &[f16], out: &mut [f32]) {
    // SAFETY: the caller's promise.
    unsafe { widen_by_eight(halves, out) }
}

#[target_feature(enable = "avx,f16c")]
fn widen_by_eight(halves: &[f16], out: &mut [f32]) {
    let ((halves, rest), (out, out_rest)) = (halves.as_chunks::<8>(), out.as_chunks_mut::<8>());
    for (halves, out) in halves.iter().zip(out) {
        // SAFETY: a chunk is eight halves of 16 bits, or eight f32.
        unsafe {
            let eight = _mm_loadu_si128(halves.as_ptr().cast());
            _mm256_storeu_ps(out.as_mut_ptr(), _mm256_cvtph_ps(eight));
        }
    }
    out_rest.iter_mut().zip(rest).for_each(|(out, half)| *out = half.to_f32());
}
