//! Memory that both sides know: page-locked on the host, so that copies run beside the kernels.

use std::sync::Arc;

use cudarc::driver::{
    CudaSlice, CudaStream, DevicePtr, DevicePtrMut, DeviceRepr, PinnedHostSlice, ValidAsZeroBits, result,
};

use super::error::CudaError;

/// A buffer on the device and its like on the host. Copies are in the stream's order and nothing waits for them: who
/// touches the host's side has waited for the stream.
pub struct Shared<T> {
    pub device: CudaSlice<T>,
    /// Of `owner`, which would ask the driver for it again: a question that ends a stream's recording.
    host: *mut T,
    owner: PinnedHostSlice<T>,
}

// SAFETY: the pointer is to memory that `owner` has, which may itself be sent.
unsafe impl<T: Send> Send for Shared<T> {}

impl<T: DeviceRepr + ValidAsZeroBits + Copy + Default> Shared<T> {
    /// `len` zeros.
    pub fn new(stream: &Arc<CudaStream>, len: usize) -> Result<Self, CudaError> {
        let device = stream.alloc_zeros(len)?;
        // SAFETY: every number is written below, before anything reads it. Cached, for the host reads it too.
        let mut owner = unsafe { stream.context().alloc_pinned_with_flags::<T>(len, 0) }?;
        owner.as_mut_slice()?.fill(T::default());
        Ok(Self { device, host: owner.as_mut_ptr()?, owner })
    }

    pub fn host(&self) -> &[T] {
        // SAFETY: the memory is `owner`'s, as long and full of numbers, and changes through `self` alone.
        unsafe { std::slice::from_raw_parts(self.host, self.owner.len()) }
    }

    pub fn host_mut(&mut self) -> &mut [T] {
        // SAFETY: the same.
        unsafe { std::slice::from_raw_parts_mut(self.host, self.owner.len()) }
    }

    /// Copies the host's to the device.
    pub fn upload(&mut self, stream: &CudaStream) -> Result<(), CudaError> {
        // SAFETY: as in `host`.
        let from = unsafe { std::slice::from_raw_parts(self.host, self.owner.len()) };
        let (to, _written) = self.device.device_ptr_mut(stream);
        // SAFETY: the device's side is as long, and both live until the stream has come to the copy: who drops them
        // waits for it.
        Ok(unsafe { result::memcpy_htod_async(to, from, stream.cu_stream()) }?)
    }

    /// Copies the device's to the host.
    pub fn download(&mut self, stream: &CudaStream) -> Result<(), CudaError> {
        // SAFETY: as in `host_mut`.
        let to = unsafe { std::slice::from_raw_parts_mut(self.host, self.owner.len()) };
        let (from, _read) = self.device.device_ptr(stream);
        // SAFETY: as in `upload`.
        Ok(unsafe { result::memcpy_dtoh_async(to, from, stream.cu_stream()) }?)
    }

    /// The device's, once the stream has come to it.
    pub fn fetch(&mut self, stream: &CudaStream) -> Result<&[T], CudaError> {
        self.download(stream)?;
        stream.synchronize()?;
        Ok(self.host())
    }
}
