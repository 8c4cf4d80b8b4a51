//! What both kinds of head work on: the hidden units of pixels, and what predictions are compared with.

use std::sync::Arc;

use cudarc::driver::{CudaSlice, CudaStream};

use crate::backend::cuda::error::CudaError;
use crate::backend::cuda::interpolate::Rows;
use crate::backend::cuda::products::parts;
use crate::backend::kernel_sizes::{heads_room, padded};
use crate::model::Score;
use crate::shapes::P;

/// Pixels of a block that compares them, a warp each.
pub const PSI_WARPS: usize = 8;

/// What a mapping's predictions are compared with: the predicted modality's tokens or groups, halves `[n, C_out]`, and the
/// rows that carry them to pixels.
#[derive(Clone, Copy)]
pub struct Compared<'a> {
    pub features: &'a CudaSlice<u16>,
    pub rows: &'a Rows,
}

/// The hidden units of the listed pixels. Both mappings use these buffers in turn.
pub struct HiddenUnits {
    /// The units of the first layer, `[pixels, M]`; later what a likelihood's heads give of some channels.
    pub first: CudaSlice<u16>,
    /// The units of the second layer, `[pixels, M]`.
    pub second: CudaSlice<u16>,
    /// The squared lengths of R times the second layer's units plus Q'b, in parts, `[parts, pixels]`; none if the score
    /// is a likelihood.
    pub squares: Option<CudaSlice<f32>>,
}

impl HiddenUnits {
    /// Allocates `m` units for every pixel, for mappings of this score whose output layers have a rank of at most `ranks`.
    pub fn new(stream: &Arc<CudaStream>, m: usize, ranks: usize, score: Score) -> Result<Self, CudaError> {
        let (first, squares) = match score {
            Score::Product => (padded(m), Some(stream.alloc_zeros(P * parts(ranks))?)),
            Score::Likelihood => (heads_room(m), None),
        };
        Ok(Self { first: stream.alloc_zeros(P * first)?, second: stream.alloc_zeros(P * padded(m))?, squares })
    }
}
