//! Buffers that exist on the device and on the host. The host's memory is page-locked, so that copies run beside
//! kernels.

use std::sync::Arc;

use cudarc::driver::{
    CudaSlice, CudaStream, DevicePtr, DevicePtrMut, DeviceRepr, PinnedHostSlice, ValidAsZeroBits, result,
};

use super::error::CudaError;

/// A buffer on the device and one of the same length on the host. Copies between them are queued in a stream, and
/// nothing waits for them: whoever accesses the host's side must wait for the stream first.
pub struct Shared<T> {
    pub device: CudaSlice<T>,
    /// The address of `owner`'s memory. It is kept here because `owner` waits for an event on every access, and such a
    /// wait ends the capture of a graph.
    host: *mut T,
    owner: PinnedHostSlice<T>,
}

// SAFETY: the pointer is to memory that `owner` owns, and `owner` may itself be sent.
unsafe impl<T: Send> Send for Shared<T> {}

impl<T: DeviceRepr + ValidAsZeroBits + Copy + Default> Shared<T> {
    /// Allocates `len` zeros on either side.
    pub fn new(stream: &Arc<CudaStream>, len: usize) -> Result<Self, CudaError> {
        let device = stream.alloc_zeros(len)?;
        // SAFETY: every element is written below, before anything reads it. The memory is cached, as the host reads it
        // too.
        let mut owner = unsafe { stream.context().alloc_pinned_with_flags::<T>(len, 0) }?;
        owner.as_mut_slice()?.fill(T::default());
        Ok(Self { device, host: owner.as_mut_ptr()?, owner })
    }

    pub fn host(&self) -> &[T] {
        // SAFETY: the memory is `owner`'s, has this length, is initialised, and changes through `self` alone.
        unsafe { std::slice::from_raw_parts(self.host, self.owner.len()) }
    }

    pub fn host_mut(&mut self) -> &mut [T] {
        // SAFETY: as in `host`.
        unsafe { std::slice::from_raw_parts_mut(self.host, self.owner.len()) }
    }

    /// Queues a copy of the host's side to the device.
    pub fn upload(&mut self, stream: &CudaStream) -> Result<(), CudaError> {
        // The functions of `result` need the context in this thread, which may not be the one that opened the device.
        stream.context().bind_to_thread()?;
        // SAFETY: as in `host`.
        let from = unsafe { std::slice::from_raw_parts(self.host, self.owner.len()) };
        let (to, _written) = self.device.device_ptr_mut(stream);
        // SAFETY: the device's side has the same length, and both sides live until the copy is done: whoever drops them
        // waits for the stream first.
        Ok(unsafe { result::memcpy_htod_async(to, from, stream.cu_stream()) }?)
    }

    /// Queues a copy of the device's side to the host.
    pub fn download(&mut self, stream: &CudaStream) -> Result<(), CudaError> {
        stream.context().bind_to_thread()?;
        // SAFETY: as in `host_mut`.
        let to = unsafe { std::slice::from_raw_parts_mut(self.host, self.owner.len()) };
        let (from, _read) = self.device.device_ptr(stream);
        // SAFETY: as in `upload`.
        Ok(unsafe { result::memcpy_dtoh_async(to, from, stream.cu_stream()) }?)
    }

    /// Copies the device's side to the host, waits for the stream, and returns the values.
    pub fn fetch(&mut self, stream: &CudaStream) -> Result<&[T], CudaError> {
        self.download(stream)?;
        stream.synchronize()?;
        Ok(self.host())
    }
}
