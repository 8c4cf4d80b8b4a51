//! Micro-kernels: a tile of a matrix product held in registers, one file per instruction set.
//!
//! | file | processor | tile | operands |
//! |---|---|---|---|
//! | `avx2.rs` | x86-64 with AVX2 and FMA | 6 x 16 | f32 |
//! | `avx2.rs` | x86-64 with AVX-VNNI | 6 x 16 | four integers, sums in i32 |
//! | `avx512.rs` | x86-64 with AVX-512F | 14 x 32 | f32 |
//! | `avx512.rs` | x86-64 with AVX512-BF16 | 14 x 32 | pairs of bf16, sums in f32 |
//! | `avx512.rs` | x86-64 with AVX512-VNNI | 14 x 32 | four integers, sums in i32 |
//! | `avx512_fp16.rs` | x86-64 with AVX512-FP16 | 14 x 64 | f16, short sums in f16 that are added in f32 |
//! | `amx.rs` | x86-64 with AMX-BF16, AMX-INT8 | 32 x 32 | pairs of bf16, sums in f32; four integers, sums in i32 |
//! | `neon.rs` | aarch64 | 6 x 16 | f32 |
//! | `neon_fp16.rs` | aarch64 with FP16 | 8 x 16 | f16, short sums in f16 that are added in f32 |
//! | `neon_dot.rs` | aarch64 with the dot products | 5 x 16 | four integers, sums in i32 |
//! | `portable.rs` | any | 4 x 16 | f32 |

#[cfg(target_arch = "x86_64")]
mod amx;
#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
#[cfg(target_arch = "x86_64")]
mod avx512_fp16;
#[cfg(target_arch = "aarch64")]
mod neon;
#[cfg(target_arch = "aarch64")]
mod neon_dot;
#[cfg(target_arch = "aarch64")]
mod neon_fp16;
mod portable;
mod tile;

use std::fmt;

use half::f16;

use super::operands::Operands;
use crate::backend::arithmetic::Arithmetic;
#[cfg(test)]
pub use tile::F16_DEPTH;
pub use tile::Tile;

fn always() -> bool {
    true
}

/// The micro-kernel of an instruction set.
pub struct Kernel {
    pub name: &'static str,
    /// Rows and columns of its tile.
    pub rows: usize,
    pub columns: usize,
    pub operands: Operands,
    available: fn() -> bool,
    /// Whether it is faster on this processor than the next kernel of the same arithmetic.
    fast: fn() -> bool,
    /// Requires `available()`, and `a`, `b` and `c` valid for the tile's rows, depth and columns.
    run: unsafe fn(&Tile),
    /// Requires `available()`.
    widen: unsafe fn(&[f16], &mut [f32]),
}

/// An f32 kernel, and the same kernel on operands that are rounded for each other arithmetic.
macro_rules! f32_kernels {
    ($name:literal, $rows:literal x $columns:literal, $has:path, $run:path, $widen:path) => {
        [
            kernel!($name, $rows x $columns, F32, $has, always, $run, $widen),
            kernel!(concat!($name, ", bf16 rounded"), $rows x $columns, Bf16Rounded, $has, always, $run, $widen),
            kernel!(concat!($name, ", f16 rounded"), $rows x $columns, F16Rounded, $has, always, $run, $widen),
            kernel!(concat!($name, ", int8 rounded"), $rows x $columns, IntegersRounded, $has, always, $run, $widen),
        ]
    };
}

macro_rules! kernel {
    ($name:expr, $rows:literal x $columns:literal, $operands:ident, $has:path, $fast:path, $run:path, $widen:path) => {
        Kernel {
            name: $name,
            rows: $rows,
            columns: $columns,
            operands: Operands::$operands,
            available: $has,
            fast: $fast,
            run: $run,
            widen: $widen,
        }
    };
}

/// Fastest first. For each arithmetic, the kernels with instructions for it precede those that run f32 on rounded
/// operands.
static KERNELS: &[&[Kernel]] = &[
    #[cfg(target_arch = "x86_64")]
    &[
        kernel!("AMX-BF16", 32 x 32, Bf16Pairs, amx::has_bf16, always, amx::run_bf16, avx2::widen),
        kernel!("AMX-INT8", 32 x 32, UnsignedQuads, amx::has_int8, always, amx::run_int8, avx2::widen),
        kernel!("AVX512-BF16", 14 x 32, Bf16Pairs, avx512::has_bf16, avx512::bf16_is_fast, avx512::run_bf16, avx2::widen),
        kernel!("AVX512-FP16", 14 x 64, F16Rows, avx512_fp16::has, always, avx512_fp16::run, avx2::widen),
        kernel!("AVX512-VNNI", 14 x 32, UnsignedQuads, avx512::has_vnni, always, avx512::run_vnni, avx2::widen),
        kernel!("AVX-VNNI", 6 x 16, UnsignedQuads, avx2::has_vnni, always, avx2::run_vnni, avx2::widen),
    ],
    #[cfg(target_arch = "x86_64")]
    &f32_kernels!("AVX-512", 14 x 32, avx512::has_f32, avx512::run_f32, avx2::widen),
    #[cfg(target_arch = "x86_64")]
    &f32_kernels!("AVX2", 6 x 16, avx2::has, avx2::run, avx2::widen),
    #[cfg(target_arch = "aarch64")]
    &[
        kernel!("NEON FP16", 8 x 16, F16Rows, neon_fp16::has, always, neon_fp16::run, portable::widen),
        kernel!("NEON dot product", 5 x 16, SignedQuads, neon_dot::has, always, neon_dot::run, portable::widen),
    ],
    #[cfg(target_arch = "aarch64")]
    &f32_kernels!("NEON", 6 x 16, neon::has, neon::run, portable::widen),
    &f32_kernels!("portable", 4 x 16, portable::has, portable::run, portable::widen),
];

impl Kernel {
    /// Every kernel of this architecture, fastest first.
    pub fn all() -> impl Iterator<Item = &'static Self> {
        KERNELS.iter().copied().flatten()
    }

    /// The fastest kernel for `arithmetic` that this processor has.
    pub fn best(arithmetic: Arithmetic) -> &'static Self {
        let fits =
            |kernel: &&Self| kernel.operands.arithmetic() == arithmetic && kernel.is_available() && (kernel.fast)();
        let Some(kernel) = Self::all().find(fits) else { unreachable!("the portable kernel runs everywhere") };
        kernel
    }

    pub fn is_available(&self) -> bool {
        (self.available)()
    }

    /// Computes a tile.
    ///
    /// # Safety
    /// This processor has the kernel's instructions; the pointers are valid for the tile's rows at their strides, its
    /// depth and [`Self::columns`]; `c` overlaps neither operand.
    #[inline]
    pub unsafe fn run(&self, tile: &Tile) {
        debug_assert!(self.is_available());
        // SAFETY: the caller of this function promises all that the kernel requires.
        unsafe { (self.run)(tile) }
    }
}

impl Kernel {
    /// Widens halves to f32, as many as both slices hold.
    pub fn widen(&self, halves: &[f16], out: &mut [f32]) {
        assert!(self.is_available());
        // SAFETY: the kernel is available by the assertion.
        unsafe { (self.widen)(halves, out) }
    }
}

impl Arithmetic {
    /// bf16 or f16 where this processor multiplies it faster, else f32.
    pub fn auto() -> Self {
        [Self::Bf16, Self::F16].into_iter().find(|arithmetic| arithmetic.is_fast()).unwrap_or(Self::F32)
    }

    /// Whether this processor has instructions for this arithmetic; true for f32.
    #[doc(hidden)]
    pub fn is_fast(self) -> bool {
        !Kernel::best(self).operands.only_rounded()
    }

    /// The arithmetic of the networks and of the tokens' products.
    #[doc(hidden)]
    pub fn of_networks(self) -> Self {
        if self == Self::Int8 { Self::auto() } else { self }
    }
}

impl fmt::Debug for Kernel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} x {}", self.name, self.rows, self.columns)
    }
}
