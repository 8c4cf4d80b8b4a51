//! Both networks by the program's own kernels: weights and activations on the GPU, products on its matrix units.
//!
//! Streams that the blocks of a Transformer add to, sums and maxima are f32; what a product reads is a half. All memory
//! is allocated when the networks are opened, and their work is queued without a wait, so that it can be captured as a
//! graph.

mod group_encoder;
mod limits;
mod point_mae;
mod transformer;
mod vit;
mod weights;

use std::sync::Arc;

use cudarc::driver::{CudaSlice, CudaStream};

use super::device::Device;
use super::error::CudaError;
use super::module::Kernels;
use crate::model::{Architecture, Tensors};
use limits::refusal;
use point_mae::PointMae;
use vit::Vit;

pub struct KernelNetworks {
    vit: Vit,
    point_mae: PointMae,
}

impl KernelNetworks {
    /// Takes both networks out of `weights`; none, and a warning, if the kernels cannot run them: they are the CPU's then.
    /// Work on the device's streams has to wait until its memory is filled ([`Device::synchronize`]).
    pub fn open(
        device: &Device,
        architecture: &Architecture,
        weights: &mut Tensors,
    ) -> Result<Option<Self>, CudaError> {
        if let Some(reason) = refusal(architecture, weights) {
            log::warn!("{reason}: the networks run on the CPU");
            return Ok(None);
        }
        Ok(Some(Self {
            vit: Vit::new(&device.colour, &architecture.rgb, weights)?,
            point_mae: PointMae::new(&device.shape, &architecture.xyz, weights)?,
        }))
    }

    pub fn weight_bytes(&self) -> usize {
        self.vit.weight_bytes() + self.point_mae.weight_bytes()
    }

    /// image, normalised, halves `[3, H, W]` -> tokens, halves `[T, C_RGB]`.
    pub fn rgb_tokens(
        &mut self,
        kernels: &Kernels,
        stream: &CudaStream,
        image: &CudaSlice<u16>,
        tokens: &mut CudaSlice<u16>,
    ) -> Result<(), CudaError> {
        self.vit.run(kernels, stream, image, tokens)
    }

    /// Offsets of the groups' points from the centres, halves `[G, K, 3]`, and centres, `[G, 3]`, metres -> features,
    /// halves `[G, C_XYZ]`.
    pub fn xyz_groups(
        &mut self,
        kernels: &Kernels,
        stream: &Arc<CudaStream>,
        offsets: &CudaSlice<u16>,
        centres: &CudaSlice<f32>,
        features: &mut CudaSlice<u16>,
    ) -> Result<(), CudaError> {
        self.point_mae.run(kernels, stream, (offsets, centres), features)
    }
}
