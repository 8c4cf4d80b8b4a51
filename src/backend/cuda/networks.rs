//! Networks that run on the GPU, on the back end's own buffers: the place of TensorRT's plans.

use std::sync::Arc;

use cudarc::driver::{CudaSlice, CudaStream, CudaView, CudaViewMut};

use super::error::CudaError;
use super::mapping::HiddenUnits;
use crate::shapes::TAIL_PIXELS;

/// What the graph of a network gives (`onnx`), n tokens or groups; numbers without a type are halves.
pub struct Described<'a> {
    /// `[n, C]`.
    pub features: &'a mut CudaSlice<u16>,
    /// `[n, M]`.
    pub moved: &'a mut CudaSlice<u16>,
    pub projected: &'a mut CudaSlice<u16>,
    /// f32 `[n]`.
    pub offset: &'a mut CudaSlice<f32>,
    /// f32 `[n, n]`.
    pub gram: &'a mut CudaSlice<f32>,
}

/// A mapping, whose layers after the first are a graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tail {
    RgbToXyz,
    XyzToRgb,
}

/// Both networks and what the mappings take of them. Work goes into `stream`, and nobody waits for it: it may be recorded
/// there, and replayed as long as the networks live.
pub trait Networks: Send {
    /// `image`: normalised, halves `[3, H, W]`.
    fn rgb_tokens(
        &mut self,
        stream: &Arc<CudaStream>,
        image: &CudaSlice<u16>,
        out: Described<'_>,
    ) -> Result<(), CudaError>;
    /// `offsets`: of each group's points from its centre, halves `[G, K, 3]`; `centres`: `[G, 3]`, metres.
    fn xyz_groups(
        &mut self,
        stream: &Arc<CudaStream>,
        offsets: &CudaSlice<u16>,
        centres: &CudaSlice<f32>,
        out: Described<'_>,
    ) -> Result<(), CudaError>;
    /// `first` `[TAIL_PIXELS, M]` -> `hidden` of the same size and `turned` `[TAIL_PIXELS, min(C_out, M)]`.
    fn tail(
        &mut self,
        tail: Tail,
        stream: &Arc<CudaStream>,
        first: &CudaView<'_, u16>,
        hidden: &mut CudaViewMut<'_, u16>,
        turned: &mut CudaViewMut<'_, u16>,
    ) -> Result<(), CudaError>;
}

/// A mapping's layers after the first, for the first `slices` slices of pixels.
pub fn tail(
    networks: &mut dyn Networks,
    tail: Tail,
    stream: &Arc<CudaStream>,
    (m, ranks): (usize, usize),
    slices: usize,
    hidden: &mut HiddenUnits,
) -> Result<(), CudaError> {
    let HiddenUnits { first, second, turned } = hidden;
    for slice in 0..slices {
        let range = |width: usize| slice * TAIL_PIXELS * width..(slice + 1) * TAIL_PIXELS * width;
        let (first, mut second) = (first.slice(range(m)), second.slice_mut(range(m)));
        networks.tail(tail, stream, &first, &mut second, &mut turned.slice_mut(range(ranks)))?;
    }
    Ok(())
}
