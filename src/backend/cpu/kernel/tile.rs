//! The task of a micro-kernel, and how it is divided.

/// Depth over which a kernel of f16 sums in f16, before the sum is added in f32.
#[cfg(any(test, target_arch = "x86_64", target_arch = "aarch64"))]
pub const F16_DEPTH: usize = 64;

/// One call of a kernel: `c [rows, columns] (+)= a [rows, depth] * b [depth, columns]`. Strides and depth are in cells.
#[derive(Clone, Copy)]
pub struct Tile {
    /// Any number of rows; a multiple of the kernel's rows fills its registers.
    pub rows: usize,
    pub depth: usize,
    pub a: *const f32,
    pub a_stride: usize,
    /// `[depth, columns]`, dense.
    pub b: *const f32,
    pub c: *mut f32,
    pub c_stride: usize,
    /// Whether the product is added to `c` instead of written over it.
    pub add: bool,
}

/// Runs a tile as blocks of `$most` rows, and the remaining rows by the function for exactly that number, so that each
/// function keeps its sums in registers.
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
pub(super) use by_rows;
