//! The interface of networks that run on the GPU, on the back end's own buffers. TensorRT's plans implement it.

use std::sync::Arc;

use cudarc::driver::{CudaSlice, CudaStream, CudaView, CudaViewMut};

use super::error::CudaError;
use super::mapping::HiddenUnits;
use crate::shapes::TAIL_PIXELS;

/// The buffers for the outputs of a network's graph (`onnx`) with n tokens or groups. `u16` are halves.
pub struct Described<'a> {
    /// The features, `[n, C]`.
    pub features: &'a mut CudaSlice<u16>,
    /// The first layer of the mapping from these features, without its bias, `[n, M]`.
    pub moved: &'a mut CudaSlice<u16>,
    /// The products with the output layer of the mapping to these features, `[n, M]`.
    pub projected: &'a mut CudaSlice<u16>,
    /// The products with that layer's bias, `[n]`.
    pub offset: &'a mut CudaSlice<f32>,
    /// The inner products of the features with each other, `[n, n]`.
    pub gram: &'a mut CudaSlice<f32>,
}

/// The layers of a mapping after the first, which are one graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tail {
    RgbToXyz,
    XyzToRgb,
}

/// Both networks, and the mappings' layers that run with them. Work is queued in `stream` and not waited for: it may be
/// captured there as a graph, and replayed as long as the networks live.
pub trait Networks: Send {
    /// Computes the tokens of `image`, normalised, halves `[3, H, W]`.
    fn rgb_tokens(
        &mut self,
        stream: &Arc<CudaStream>,
        image: &CudaSlice<u16>,
        out: Described<'_>,
    ) -> Result<(), CudaError>;
    /// Computes the features of groups. `offsets` are their points relative to the centres, halves `[G, K, 3]`;
    /// `centres` are `[G, 3]`, metres.
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

/// Runs a mapping's layers after the first for the first `slices` slices of `TAIL_PIXELS` pixels. `m` and `ranks` are
/// the widths of `hidden`.
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
