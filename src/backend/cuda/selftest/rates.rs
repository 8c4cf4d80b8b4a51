//! What the GPU can do: clock and memory as the driver states them, a copy within its memory, and a large product.

use std::time::Instant;

use cudarc::driver::sys::CUdevice_attribute;

use crate::backend::count::Chip;
use crate::backend::cuda::CudaError;
use crate::backend::cuda::device::Device;
use crate::backend::cuda::products::{Activation, Product};
use crate::backend::selftest::Rates;

/// How often the copy and the product are repeated, after one for warming up.
const REPEATS: usize = 8;
/// A copy is this much larger than the L2 cache, so that it passes through memory, and at least so many bytes.
const BEYOND_CACHE: usize = 4;
const COPY_BYTES_MIN: usize = 16 << 20;
/// Rows and channels of the product, and its outputs for each multiprocessor: eight large tiles.
const ROWS: usize = 1024;
const CHANNELS: usize = 1024;
const OUTPUTS: usize = 128;

pub fn measure(device: &Device) -> Result<Rates, CudaError> {
    let attribute = |attribute| -> Result<f64, CudaError> { Ok(f64::from(device.context.attribute(attribute)?)) };
    let clock_khz = attribute(CUdevice_attribute::CU_DEVICE_ATTRIBUTE_CLOCK_RATE)?;
    let memory_khz = attribute(CUdevice_attribute::CU_DEVICE_ATTRIBUTE_MEMORY_CLOCK_RATE)?;
    let memory_bits = attribute(CUdevice_attribute::CU_DEVICE_ATTRIBUTE_GLOBAL_MEMORY_BUS_WIDTH)?;
    let cache = attribute(CUdevice_attribute::CU_DEVICE_ATTRIBUTE_L2_CACHE_SIZE)?;
    let multiprocessors = device.kernels.processors;
    Ok(Rates {
        multiprocessors,
        clock_ghz: clock_khz / 1e6,
        // Two transfers for each cycle.
        memory_gb_per_s: 2.0 * memory_khz * memory_bits / 8.0 / 1e6,
        copy_gb_per_s: copy(device, (BEYOND_CACHE * cache as usize).max(COPY_BYTES_MIN))? / 1e9,
        product_tflop_per_s: product(device, OUTPUTS * multiprocessors)? / 1e12,
    })
}

/// What bounds launches on this GPU: the measured rates, and the driver's clock.
pub fn chip(rates: &Rates) -> Chip {
    let Rates { multiprocessors, clock_ghz, copy_gb_per_s, product_tflop_per_s, .. } = *rates;
    let (clock, bandwidth) = (1e9 * clock_ghz, 1e9 * copy_gb_per_s);
    Chip { multiprocessors, clock, operations: 1e12 * product_tflop_per_s, bandwidth }
}

/// Bytes read and written a second by a copy of so many bytes.
fn copy(device: &Device, bytes: usize) -> Result<f64, CudaError> {
    let stream = &device.shape;
    let (from, mut to) = (stream.alloc_zeros::<u8>(bytes)?, stream.alloc_zeros::<u8>(bytes)?);
    let seconds = seconds(device, || Ok(stream.memcpy_dtod(&from, &mut to)?))?;
    Ok(2.0 * bytes as f64 / seconds)
}

/// Operations a second of a product with so many outputs a row.
fn product(device: &Device, outputs: usize) -> Result<f64, CudaError> {
    let Device { shape: stream, kernels, .. } = device;
    let (x, weight) = (stream.alloc_zeros(ROWS * CHANNELS)?, stream.alloc_zeros(outputs * CHANNELS)?);
    let mut out = stream.alloc_zeros(ROWS * outputs)?;
    let product = Product::plain(&x, &weight, [ROWS, CHANNELS, outputs]);
    let seconds = seconds(device, || product.linear(kernels, stream, Activation::Nothing, &mut out))?;
    Ok(2.0 * (ROWS * CHANNELS * outputs) as f64 / seconds)
}

/// The time of one of [`REPEATS`] repetitions, which follow each other without a wait.
fn seconds(device: &Device, mut work: impl FnMut() -> Result<(), CudaError>) -> Result<f64, CudaError> {
    work()?;
    device.shape.synchronize()?;
    let start = Instant::now();
    (0..REPEATS).try_for_each(|_| work())?;
    device.shape.synchronize()?;
    Ok(start.elapsed().as_secs_f64() / REPEATS as f64)
}
