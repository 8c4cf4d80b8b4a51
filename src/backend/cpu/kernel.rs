//! Micro-kernels: a tile of a matrix product held in registers, one file per instruction set.
//!
//! | file | processor | tile | operands |
//! |---|---|---|---|
//! | `avx2.rs` | x86-64 with AVX2 and FMA | 6 x 16 | f32 |
//! | `avx512.rs` | x86-64 with AVX-512F | 14 x 32 | f32 |
//! | `avx512.rs` | x86-64 with AVX512-BF16 | 14 x 32 | pairs of bf16, sums in f32 |
//! | `amx.rs` | x86-64 with AMX-BF16 | 32 x 32 | pairs of bf16, sums in f32 |
//! | `neon.rs` | aarch64 | 6 x 16 | f32 |
//! | `portable.rs` | any | 4 x 16 | f32 |

#[cfg(target_arch = "x86_64")]
mod amx;
#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
#[cfg(target_arch = "aarch64")]
mod neon;
mod portable;

use std::fmt;

use half::f16;

/// Arithmetic of the large products. Everything else is f32.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Arithmetic {
    #[default]
    F32,
    /// Operands rounded to bf16, products summed in f32.
    Bf16,
}

impl Arithmetic {
    /// bf16 where this processor multiplies it faster, else f32.
    pub fn auto() -> Self {
        if Kernel::best(Self::Bf16).operands == Operands::Bf16Pairs { Self::Bf16 } else { Self::F32 }
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::Bf16 => "bf16",
        }
    }
}

/// What one cell of an operand holds; a cell is 32 bits wide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operands {
    F32,
    /// f32 cells whose values are those of bf16: the same result as the next, at the speed of f32.
    Bf16Rounded,
    /// Two bf16 of neighbouring depth, the lower half first.
    Bf16Pairs,
}

impl Operands {
    /// Values in a cell.
    pub fn per_cell(self) -> usize {
        if self == Self::Bf16Pairs { 2 } else { 1 }
    }

    fn arithmetic(self) -> Arithmetic {
        if self == Self::F32 { Arithmetic::F32 } else { Arithmetic::Bf16 }
    }
}

/// Rows by a kernel's columns: `c [rows, columns] (+)= a [rows, depth] * b [depth, columns]`, strides and depth in cells.
#[derive(Clone, Copy)]
pub struct Tile {
    /// Any number; a multiple of the kernel's fills its registers.
    pub rows: usize,
    pub depth: usize,
    pub a: *const f32,
    pub a_stride: usize,
    /// `[depth, columns]`, dense.
    pub b: *const f32,
    pub c: *mut f32,
    pub c_stride: usize,
    /// Whether what is in `c` is added to.
    pub add: bool,
}

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
    /// Whether it outruns the next of its arithmetic on this processor.
    fast: fn() -> bool,
    /// Needs: `available()`; `a`, `b` and `c` valid for the tile's rows, depth and columns.
    run: unsafe fn(&Tile),
    /// Needs: `available()`.
    widen: unsafe fn(&[f16], &mut [f32]),
}

/// Fastest first; for bf16 the portable path is the f32 kernel on rounded operands, so it comes with each.
#[rustfmt::skip]
static KERNELS: &[Kernel] = &[
    #[cfg(target_arch = "x86_64")]
    Kernel { name: "AMX-BF16", rows: 32, columns: 32, operands: Operands::Bf16Pairs, available: amx::has, fast: always, run: amx::run, widen: avx2::widen },
    #[cfg(target_arch = "x86_64")]
    Kernel { name: "AVX512-BF16", rows: 14, columns: 32, operands: Operands::Bf16Pairs, available: avx512::has_bf16, fast: avx512::bf16_is_fast, run: avx512::run_bf16, widen: avx2::widen },
    #[cfg(target_arch = "x86_64")]
    Kernel { name: "AVX-512", rows: 14, columns: 32, operands: Operands::F32, available: avx512::has_f32, fast: always, run: avx512::run_f32, widen: avx2::widen },
    #[cfg(target_arch = "x86_64")]
    Kernel { name: "AVX-512, bf16 rounded", rows: 14, columns: 32, operands: Operands::Bf16Rounded, available: avx512::has_f32, fast: always, run: avx512::run_f32, widen: avx2::widen },
    #[cfg(target_arch = "x86_64")]
    Kernel { name: "AVX2", rows: 6, columns: 16, operands: Operands::F32, available: avx2::has, fast: always, run: avx2::run, widen: avx2::widen },
    #[cfg(target_arch = "x86_64")]
    Kernel { name: "AVX2, bf16 rounded", rows: 6, columns: 16, operands: Operands::Bf16Rounded, available: avx2::has, fast: always, run: avx2::run, widen: avx2::widen },
    #[cfg(target_arch = "aarch64")]
    Kernel { name: "NEON", rows: 6, columns: 16, operands: Operands::F32, available: neon::has, fast: always, run: neon::run, widen: portable::widen },
    #[cfg(target_arch = "aarch64")]
    Kernel { name: "NEON, bf16 rounded", rows: 6, columns: 16, operands: Operands::Bf16Rounded, available: neon::has, fast: always, run: neon::run, widen: portable::widen },
    Kernel { name: "portable", rows: 4, columns: 16, operands: Operands::F32, available: portable::has, fast: always, run: portable::run, widen: portable::widen },
    Kernel { name: "portable, bf16 rounded", rows: 4, columns: 16, operands: Operands::Bf16Rounded, available: portable::has, fast: always, run: portable::run, widen: portable::widen },
];

impl Kernel {
    /// Every kernel of this architecture, fastest first.
    pub fn all() -> &'static [Self] {
        KERNELS
    }

    /// The fastest that this processor has.
    pub fn best(arithmetic: Arithmetic) -> &'static Self {
        let fits =
            |kernel: &&Self| kernel.operands.arithmetic() == arithmetic && kernel.is_available() && (kernel.fast)();
        let Some(kernel) = KERNELS.iter().find(fits) else { panic!("the portable kernel runs everywhere") };
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
        // SAFETY: what the kernel needs is what this function asks of its caller.
        unsafe { (self.run)(tile) }
    }
}

impl Kernel {
    /// Halves to f32, as many as both hold.
    pub fn widen(&self, halves: &[f16], out: &mut [f32]) {
        assert!(self.is_available());
        // SAFETY: by the assertion.
        unsafe { (self.widen)(halves, out) }
    }
}

impl fmt::Debug for Kernel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} x {}", self.name, self.rows, self.columns)
    }
}

/// Runs a tile as blocks of `$most` rows, and what is left by the function of as many rows, so that each keeps its sums
/// in registers.
macro_rules! by_rows {
    ($tile:expr, $run:ident: $($rows:literal)+, $most:literal) => {{
        let mut rest = *$tile;
        while rest.rows >= $most {
            $run::<$most>(&rest);
            rest.rows -= $most;
            rest.a = rest.a.add($most * rest.a_stride);
            rest.c = rest.c.add($most * rest.c_stride);
        }
        match rest.rows {
            0 => {}
            $($rows => $run::<$rows>(&rest),)+
            rows => unreachable!("a block of {rows} rows"),
        }
    }};
}
use by_rows;
