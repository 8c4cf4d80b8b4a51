//! Launches of `kernels/grouping.cu`.

use cudarc::driver::{CudaSlice, CudaStream};

use super::error::CudaError;
use super::launch::{Grid, Launch, int};
use super::module::Kernels;
use crate::shapes::{P, XYZ};

const LIST_THREADS: usize = 1024;
const NEAREST_WARPS: usize = 8;
/// The largest K: half of a warp's queue of candidates, the other half of which takes new ones.
pub const NEIGHBOURS_MAX: usize = 128;

/// cloud `[P, 3]` -> its valid points, the first N rows of points `[P, 3]`, and N, count `[1]`.
pub fn valid_points(
    kernels: &Kernels,
    stream: &CudaStream,
    cloud: &CudaSlice<f32>,
    points: &mut CudaSlice<f32>,
    count: &mut CudaSlice<i32>,
) -> Result<(), CudaError> {
    assert_eq!((cloud.len(), points.len(), count.len()), (P * XYZ, P * XYZ, 1));
    let launch = Launch::new(stream, &kernels.valid_points).reads(cloud).writes(points).writes(count);
    // SAFETY: the lengths are checked above; no cloud has more than P points.
    unsafe { launch.run(Grid::one_block(LIST_THREADS)) }
}

/// points, N, centres `[G, 3]` -> neighbours `[G, K]` and their offsets from the centre, halves `[G, K, 3]`.
pub fn nearest_points(
    kernels: &Kernels,
    stream: &CudaStream,
    (points, count): (&CudaSlice<f32>, &CudaSlice<i32>),
    centres: &CudaSlice<f32>,
    neighbours: &mut CudaSlice<i32>,
    offsets: &mut CudaSlice<u16>,
) -> Result<(), CudaError> {
    let groups = centres.len() / XYZ;
    let k = neighbours.len() / groups;
    assert!((1..=NEIGHBOURS_MAX).contains(&k), "groups of {k} points");
    assert_eq!((points.len(), count.len()), (P * XYZ, 1));
    assert_eq!((centres.len(), neighbours.len(), offsets.len()), (groups * XYZ, groups * k, groups * k * XYZ));
    let sizes = [groups, k].map(int);
    let launch = Launch::new(stream, &kernels.nearest_points).reads(points).reads(count).reads(centres);
    let launch = launch.value(&sizes[0]).value(&sizes[1]).writes(neighbours).writes(offsets);
    // SAFETY: the lengths are checked above.
    unsafe { launch.run(Grid::over(groups, NEAREST_WARPS, NEAREST_WARPS * 32)) }
}
