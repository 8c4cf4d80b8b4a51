//! A kernel for any instruction set: a tile of 4 x 16, which the compiler vectorises.

use half::f16;
use half::slice::HalfFloatSliceExt;

use super::tile::{Tile, by_rows};

pub fn has() -> bool {
    true
}

/// # Safety
/// See [`super::Kernel::run`].
pub unsafe fn run(tile: &Tile) {
    // SAFETY: the caller's promises are those that `rows` needs.
    unsafe { by_rows!(tile, rows: 1 2 3, 4) }
}

unsafe fn rows<const ROWS: usize>(tile: &Tile) {
    let Tile { depth, a, a_stride, b, c, c_stride, add, .. } = *tile;
    let mut sum = [[0.0f32; 16]; ROWS];
    // SAFETY: the caller promises rows, depth and 16 columns at these pointers and strides.
    unsafe {
        if add {
            for (r, sum) in sum.iter_mut().enumerate() {
                *sum = *c.add(r * c_stride).cast();
            }
        }
        for k in 0..depth {
            let b = *b.add(k * 16).cast::<[f32; 16]>();
            for (r, sum) in sum.iter_mut().enumerate() {
                let x = *a.add(r * a_stride + k);
                (0..16).for_each(|j| sum[j] += x * b[j]);
            }
        }
        for (r, sum) in sum.iter().enumerate() {
            *c.add(r * c_stride).cast() = *sum;
        }
    }
}

/// # Safety
/// None is needed.
pub unsafe fn widen(halves: &[f16], out: &mut [f32]) {
    halves.convert_to_f32_slice(&mut out[..halves.len()]);
}
