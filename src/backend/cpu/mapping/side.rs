//! One side of a mapping, and what computes with its tokens or groups.

use crate::backend::cpu::elementwise::copy;
use crate::backend::cpu::kernel::Kernel;
use crate::backend::cpu::packed::Packed;
use crate::backend::cpu::team::Parts;
use crate::backend::cpu::workers::Workers;
use crate::spatial::rows::SparseRows;

/// One modality of a frame: its tokens or groups `[n, C]` and the rows that carry them to pixels.
pub struct Side<'a> {
    pub features: &'a [f32],
    pub rows: &'a SparseRows,
}

/// The kernels that multiply tokens and groups, and those that multiply the many hidden units of pixels.
#[derive(Clone, Copy)]
pub struct Kernels {
    pub tokens: &'static Kernel,
    pub hidden_units: &'static Kernel,
}

/// Applies a layer without bias to every row of x, `[n, from]`.
pub fn rows_of(packed: &Packed, workers: &mut Workers, x: &[f32], out: &mut Vec<f32>) {
    let n = x.len() / packed.from;
    out.resize(n * packed.to, 0.0);
    let out = Parts::new(out);
    packed.product_parallel(workers, (x, packed.from), n, |place, tile| {
        for (row, tile) in (place.row..).zip(tile.chunks_exact(packed.width())) {
            // SAFETY: the tiles do not overlap, and each is given once.
            let out = unsafe { out.part(row * packed.to + place.column, place.columns) };
            copy(out, tile);
        }
    });
}
