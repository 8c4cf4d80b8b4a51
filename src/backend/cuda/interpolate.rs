//! Launches of `kernels/interpolate.cu`, and the rows that they write.

use std::sync::Arc;

use cudarc::driver::{CudaSlice, CudaStream};

use super::error::CudaError;
use super::launch::{Grid, Launch, int};
use super::module::Kernels;
use crate::prepare::Stride;
use crate::shapes::{P, XYZ};

/// The place of a pixel that has no shape feature.
pub const NO_PLACE: i32 = -1;

const LIST_THREADS: usize = 1024;
const POINT_THREADS: usize = 256;
const ROW_THREADS: usize = 64;
/// The groups that a pixel's row has room for.
const XYZ_ROW: usize = 48;
/// The tokens that a pixel's row has room for.
const RGB_ROW: usize = 4;
/// The number of nearest centres that a point is interpolated from.
const NEAREST: usize = 3;

/// One sparse row of (token or group, weight) for each listed pixel.
pub struct Rows {
    /// `[P, stride]`; only the rows of listed pixels are written.
    pub index: CudaSlice<i32>,
    pub weight: CudaSlice<f32>,
    /// The number of entries in each row, `[P]`; if none, every row has `stride` entries.
    pub lengths: Option<CudaSlice<i32>>,
    pub stride: usize,
}

/// The list of the pixels that have a shape feature.
pub struct Listed {
    /// `[P]`; the first `count` are listed.
    pub pixels: CudaSlice<i32>,
    /// `[1]`.
    pub count: CudaSlice<i32>,
}

/// The three nearest centres of each point, `[P, 3]`, and their weights.
pub struct Nearest {
    groups: CudaSlice<i32>,
    weights: CudaSlice<f32>,
}

impl Rows {
    pub fn of_tokens(stream: &Arc<CudaStream>) -> Result<Self, CudaError> {
        let (index, weight) = (stream.alloc_zeros(P * RGB_ROW)?, stream.alloc_zeros(P * RGB_ROW)?);
        Ok(Self { index, weight, lengths: None, stride: RGB_ROW })
    }

    pub fn of_groups(stream: &Arc<CudaStream>) -> Result<Self, CudaError> {
        let (index, weight) = (stream.alloc_zeros(P * XYZ_ROW)?, stream.alloc_zeros(P * XYZ_ROW)?);
        Ok(Self { index, weight, lengths: Some(stream.alloc_zeros(P)?), stride: XYZ_ROW })
    }
}

impl Listed {
    pub fn new(stream: &Arc<CudaStream>) -> Result<Self, CudaError> {
        Ok(Self { pixels: stream.alloc_zeros(P)?, count: stream.alloc_zeros(1)? })
    }
}

impl Nearest {
    pub fn new(stream: &Arc<CudaStream>) -> Result<Self, CudaError> {
        Ok(Self { groups: stream.alloc_zeros(P * NEAREST)?, weights: stream.alloc_zeros(P * NEAREST)? })
    }
}

/// cloud `[P, 3]`, centres `[G, 3]` -> the three nearest centres of each point, and their weights.
pub fn three_nearest(
    kernels: &Kernels,
    stream: &CudaStream,
    cloud: &CudaSlice<f32>,
    centres: &CudaSlice<f32>,
    out: &mut Nearest,
) -> Result<(), CudaError> {
    assert_eq!((cloud.len(), centres.len() % XYZ), (P * XYZ, 0));
    let groups = int(centres.len() / XYZ);
    let launch = Launch::new(stream, &kernels.three_nearest).reads(cloud).reads(centres).value(&groups);
    let launch = launch.writes(&mut out.groups).writes(&mut out.weights);
    // SAFETY: the lengths are those checked above and those of `Nearest`.
    unsafe { launch.run(Grid::over(P, POINT_THREADS, POINT_THREADS)) }
}

/// Lists the pixels of a cloud `[P, 3]` that have a shape feature and are evaluated, and writes the place of each pixel
/// among them, `[P]`: [`NO_PLACE`] for pixels without a shape feature, another negative number for those that lie
/// between evaluated pixels.
pub fn valid_pixels(
    kernels: &Kernels,
    stream: &CudaStream,
    cloud: &CudaSlice<f32>,
    stride: Stride,
    (out, places): (&mut Listed, &mut CudaSlice<i32>),
) -> Result<(), CudaError> {
    assert_eq!((cloud.len(), places.len()), (P * XYZ, P));
    let step = int(stride.pixels());
    let launch = Launch::new(stream, &kernels.valid_pixels).reads(cloud).value(&step);
    let launch = launch.writes(&mut out.pixels).writes(places).writes(&mut out.count);
    // SAFETY: the lengths are those checked above and those of `Listed`.
    unsafe { launch.run(Grid::one_block(LIST_THREADS)) }
}

/// Writes the row of groups of each listed pixel.
pub fn xyz_rows(
    kernels: &Kernels,
    stream: &CudaStream,
    nearest: &Nearest,
    listed: &Listed,
    out: &mut Rows,
) -> Result<(), CudaError> {
    let Rows { index, weight, lengths: Some(lengths), stride: XYZ_ROW } = out else {
        unreachable!("rows of groups have lengths, and room for {XYZ_ROW}")
    };
    let launch = Launch::new(stream, &kernels.xyz_rows).reads(&nearest.groups).reads(&nearest.weights);
    let launch = launch.reads(&listed.pixels).reads(&listed.count).writes(index).writes(weight).writes(lengths);
    // SAFETY: the lengths are those of `Nearest`, `Listed` and `Rows::of_groups`.
    unsafe { launch.run(Grid::over(P, ROW_THREADS, ROW_THREADS)) }
}

/// Writes the row of tokens of each listed pixel.
pub fn rgb_rows(kernels: &Kernels, stream: &CudaStream, listed: &Listed, out: &mut Rows) -> Result<(), CudaError> {
    assert_eq!(out.stride, RGB_ROW);
    let launch = Launch::new(stream, &kernels.rgb_rows).reads(&listed.pixels).reads(&listed.count);
    let launch = launch.writes(&mut out.index).writes(&mut out.weight);
    // SAFETY: the lengths are those of `Listed` and `Rows::of_tokens`.
    unsafe { launch.run(Grid::over(P, POINT_THREADS, POINT_THREADS)) }
}
