//! Memory that both sides know: page-locked on the host, so that copies run beside the kernels.

use std::sync::Arc;

use cudarc::driver::{CudaSlice, CudaStream, DeviceRepr, PinnedHostSlice, ValidAsZeroBits};

use super::CudaError;

/// A buffer on the device and its like on the host.
pub struct Shared<T> {
    pub device: CudaSlice<T>,
    host: PinnedHostSlice<T>,
}

impl<T: DeviceRepr + ValidAsZeroBits + Copy + Default> Shared<T> {
    /// `len` zeros.
    pub fn new(stream: &Arc<CudaStream>, len: usize) -> Result<Self, CudaError> {
        let device = stream.alloc_zeros(len)?;
        // SAFETY: every number is written below, before anything reads it. Cached, for the host reads it too.
        let mut host = unsafe { stream.context().alloc_pinned_with_flags::<T>(len, 0) }?;
        host.as_mut_slice()?.fill(T::default());
        Ok(Self { device, host })
    }

    /// Fills the host's and copies it to the device, in the stream's order.
    pub fn upload(&mut self, stream: &Arc<CudaStream>, fill: impl FnOnce(&mut [T])) -> Result<(), CudaError> {
        fill(self.host.as_mut_slice()?);
        Ok(stream.memcpy_htod(&self.host, &mut self.device)?)
    }

    /// Copies the device's to the host, in the stream's order.
    pub fn download(&mut self, stream: &Arc<CudaStream>) -> Result<(), CudaError> {
        Ok(stream.memcpy_dtoh(&self.device, &mut self.host)?)
    }

    /// The host's, once copies have ended.
    pub fn host(&self) -> Result<&[T], CudaError> {
        Ok(self.host.as_slice()?)
    }
}
