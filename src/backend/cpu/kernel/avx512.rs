//! AVX-512: a tile of 14 x 32, with 28 sums, two operands and a broadcast in 32 registers. A cell is an f32, a pair of
//! bf16, summed in f32, or four integers, summed in i32.

use std::arch::x86_64::*;

use super::tile::{Tile, by_rows};

pub fn has_f32() -> bool {
    is_x86_feature_detected!("avx512f") && super::avx2::has()
}

pub fn has_bf16() -> bool {
    has_f32() && is_x86_feature_detected!("avx512bf16")
}

pub fn has_vnni() -> bool {
    has_f32() && is_x86_feature_detected!("avx512vnni")
}

/// Intel's processors run `vdpbf16ps` at half the rate of `vfmadd231ps` (measured: a whole frame took 1.5 times as long
/// as in f32). AMD's run both at the same rate, according to AMD's tables (not measured).
pub fn bf16_is_fast() -> bool {
    let vendor = __cpuid(0);
    [vendor.ebx, vendor.edx, vendor.ecx].map(u32::to_le_bytes).as_flattened() == b"AuthenticAMD"
}

/// # Safety
/// See [`super::Kernel::run`].
pub unsafe fn run_f32(tile: &Tile) {
    // SAFETY: the caller's promises are those that `rows_f32` needs.
    unsafe { by_rows!(tile, rows_f32: 1 2 3 4 5 6 7 8 9 10 11 12 13, 14) }
}

/// # Safety
/// See [`super::Kernel::run`]; a cell is a pair of bf16.
pub unsafe fn run_bf16(tile: &Tile) {
    // SAFETY: the caller's promises are those that `rows_bf16` needs.
    unsafe { by_rows!(tile, rows_bf16: 1 2 3 4 5 6 7 8 9 10 11 12 13, 14) }
}

/// # Safety
/// See [`super::Kernel::run`]; a cell is four integers, those of `a` unsigned.
pub unsafe fn run_vnni(tile: &Tile) {
    // SAFETY: the caller's promises are those that `rows_vnni` needs.
    unsafe { by_rows!(tile, rows_vnni: 1 2 3 4 5 6 7 8 9 10 11 12 13, 14) }
}

/// The loop over the depth. `$add` adds the products of a cell of a row and sixteen cells of a row of `b` to sixteen
/// sums. Cells and sums have the type f32 whatever they hold; only `$add` interprets them.
macro_rules! rows {
    ($name:ident, $features:literal, $add:ident) => {
        #[target_feature(enable = $features)]
        unsafe fn $name<const ROWS: usize>(tile: &Tile) {
            // SAFETY: the caller promises rows, depth and 32 columns at the tile's pointers and strides.
            unsafe {
                let mut sum = load::<ROWS>(tile);
                let rows: [*const f32; ROWS] = std::array::from_fn(|r| tile.a.add(r * tile.a_stride));
                for k in 0..tile.depth {
                    let b = tile.b.add(k * 32);
                    let (left, right) = (_mm512_loadu_ps(b), _mm512_loadu_ps(b.add(16)));
                    for r in 0..ROWS {
                        let x = _mm512_set1_ps(*rows[r].add(k));
                        sum[r][0] = $add(sum[r][0], x, left);
                        sum[r][1] = $add(sum[r][1], x, right);
                    }
                }
                store(tile, &sum);
            }
        }
    };
}
rows!(rows_f32, "avx512f", add_f32);
rows!(rows_bf16, "avx512f,avx512bf16", add_pairs);
rows!(rows_vnni, "avx512f,avx512vnni", add_quads);

#[inline]
#[target_feature(enable = "avx512f")]
fn add_f32(sum: __m512, a: __m512, b: __m512) -> __m512 {
    _mm512_fmadd_ps(a, b, sum)
}

#[inline]
#[target_feature(enable = "avx512f,avx512bf16")]
fn add_pairs(sum: __m512, a: __m512, b: __m512) -> __m512 {
    // Without a closure: a build that does not inline it here takes a hundred times as long.
    // SAFETY: both are 512 bits, every pattern of which is pairs of bf16.
    let (a, b) = unsafe { (std::mem::transmute::<__m512, __m512bh>(a), std::mem::transmute::<__m512, __m512bh>(b)) };
    _mm512_dpbf16_ps(sum, a, b)
}

/// `sum` holds i32.
#[inline]
#[target_feature(enable = "avx512f,avx512vnni")]
fn add_quads(sum: __m512, a: __m512, b: __m512) -> __m512 {
    let (sum, a, b) = (_mm512_castps_si512(sum), _mm512_castps_si512(a), _mm512_castps_si512(b));
    _mm512_castsi512_ps(_mm512_dpbusd_epi32(sum, a, b))
}

#[inline]
#[target_feature(enable = "avx512f")]
unsafe fn load<const ROWS: usize>(tile: &Tile) -> [[__m512; 2]; ROWS] {
    let mut sum = [[_mm512_setzero_ps(); 2]; ROWS];
    if tile.add {
        for (r, sum) in sum.iter_mut().enumerate() {
            // SAFETY: the caller promises 32 columns of each row at `c`.
            *sum = unsafe {
                let row = tile.c.add(r * tile.c_stride);
                [_mm512_loadu_ps(row), _mm512_loadu_ps(row.add(16))]
            };
        }
    }
    sum
}

#[inline]
#[target_feature(enable = "avx512f")]
unsafe fn store<const ROWS: usize>(tile: &Tile, sum: &[[__m512; 2]; ROWS]) {
    for (r, sum) in sum.iter().enumerate() {
        // SAFETY: the caller promises 32 columns of each row at `c`.
        unsafe {
            _mm512_storeu_ps(tile.c.add(r * tile.c_stride), sum[0]);
            _mm512_storeu_ps(tile.c.add(r * tile.c_stride + 16), sum[1]);
        }
    }
}
