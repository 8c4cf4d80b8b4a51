//! Launches of `kernels/prepare.cu`.

use std::sync::Arc;

use cudarc::driver::{CudaSlice, CudaStream};

use super::error::CudaError;
use super::launch::{Grid, Launch, int};
use super::module::Kernels;
use crate::prepare::plane::Plane;
use crate::shapes::{P, RGB, W, XYZ};

const PIXEL_THREADS: usize = 256;
/// Half the width of the bicubic kernel.
const SUPPORT: f64 = 2.0;

/// Sets the points of cloud `[n, 3]` that are not finite or lie on the plane to the origin.
pub fn remove_plane(
    kernels: &Kernels,
    stream: &CudaStream,
    cloud: &mut CudaSlice<f32>,
    plane: &Plane,
) -> Result<(), CudaError> {
    let points = cloud.len() / XYZ;
    let (count, Plane { normal, offset_m }) = (int(points), plane);
    let launch = Launch::new(stream, &kernels.remove_plane).writes(cloud).value(&count);
    let launch = normal.iter().fold(launch, Launch::value).value(offset_m);
    // SAFETY: `count` is the number of points in `cloud`.
    unsafe { launch.run(Grid::over(points, PIXEL_THREADS, PIXEL_THREADS)) }
}

/// Resizes frames of one size to `H` x `W` pixels.
pub struct Resizer {
    width: usize,
    height: usize,
    window: usize,
    /// For each output pixel along a side: the first input pixel, `[W]`, and the weights from it on, `[W, window]`.
    first: CudaSlice<i32>,
    weight: CudaSlice<i32>,
    /// The frame with its rows resized, `[height, W, 3]`.
    columns: CudaSlice<u8>,
}

impl Resizer {
    /// Computes the table for frames of `width` x `height` pixels.
    pub fn new(kernels: &Kernels, stream: &Arc<CudaStream>, width: usize, height: usize) -> Result<Self, CudaError> {
        let side = width.max(height);
        let window = 2 * (SUPPORT * (side as f64 / W as f64).max(1.0)).ceil() as usize + 1;
        let (mut first, mut weight) = (stream.alloc_zeros(W)?, stream.alloc_zeros(W * window)?);
        let sizes = [side, window].map(int);
        let launch = Launch::new(stream, &kernels.resize_table);
        let launch = sizes.iter().fold(launch, Launch::value).writes(&mut first).writes(&mut weight);
        // SAFETY: both slices are allocated above with the lengths of the table.
        unsafe { launch.run(Grid::one_block(W)) }?;
        Ok(Self { width, height, window, first, weight, columns: stream.alloc_zeros(height * W * RGB)? })
    }

    /// cloud `[height, width, 3]` -> `[P, 3]`.
    pub fn cloud(
        &self,
        kernels: &Kernels,
        stream: &CudaStream,
        cloud: &CudaSlice<f32>,
        out: &mut CudaSlice<f32>,
    ) -> Result<(), CudaError> {
        assert_eq!((cloud.len(), out.len()), (self.width * self.height * XYZ, P * XYZ));
        let sizes = [self.width, self.height].map(int);
        let launch = Launch::new(stream, &kernels.resize_cloud).reads(cloud);
        let launch = sizes.iter().fold(launch, Launch::value).writes(out);
        // SAFETY: the lengths are checked above.
        unsafe { launch.run(Grid::over(P, PIXEL_THREADS, PIXEL_THREADS)) }
    }

    /// rgb `[height, width, 3]` -> normalised halves `[3, H, W]`.
    pub fn rgb(
        &mut self,
        kernels: &Kernels,
        stream: &CudaStream,
        rgb: &CudaSlice<u8>,
        out: &mut CudaSlice<u16>,
    ) -> Result<(), CudaError> {
        assert_eq!((rgb.len(), out.len()), (self.width * self.height * RGB, RGB * P));
        let sizes = [self.width, self.height, self.window].map(int);
        let pass = |kernel, from| {
            let launch = Launch::new(stream, kernel).reads(from).value(&sizes[0]).value(&sizes[1]);
            launch.reads(&self.first).reads(&self.weight).value(&sizes[2])
        };
        let launch = pass(&kernels.resize_columns, rgb).writes(&mut self.columns);
        // SAFETY: the lengths are checked above; those of the table and of `columns` are from `new`.
        unsafe { launch.run(Grid::over(self.height * W, PIXEL_THREADS, PIXEL_THREADS)) }?;
        let launch = pass(&kernels.resize_rows, &self.columns).writes(out);
        // SAFETY: as above.
        unsafe { launch.run(Grid::over(P, PIXEL_THREADS, PIXEL_THREADS)) }
    }
}
