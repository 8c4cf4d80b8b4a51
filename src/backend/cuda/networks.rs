//! The interface of networks that run on the GPU, on the back end's own buffers. TensorRT's plans implement it.

use std::sync::Arc;

use cudarc::driver::{CudaSlice, CudaStream};

use super::error::CudaError;
use super::kernel_networks::KernelNetworks;

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

/// Both networks, and the mappings' layers that run once for each token or group. Work is queued in `stream` and not waited for: it may be
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
}

/// The networks of a frame on the GPU.
pub enum GpuNetworks {
    /// The program's own kernels, which give the features; the mappings' own products derive the rest from them.
    Kernels(Box<KernelNetworks>),
    /// Graphs that give everything.
    Graphs(Box<dyn Networks>),
}
