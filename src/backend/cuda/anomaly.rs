//! Launches of `kernels/anomaly.cu`.

use cudarc::driver::{CudaSlice, CudaStream};

use super::error::CudaError;
use super::launch::{Grid, Launch};
use super::module::Kernels;
use crate::model::Score;
use crate::shapes::{H, P, W};

const PIXEL_THREADS: usize = 256;
const TILE: usize = 32;
const SMOOTH_THREADS: usize = 512;
const MAXIMUM_THREADS: usize = 1024;

/// psi_rgb and psi_xyz of the listed pixels, and each pixel's place in the list -> both as maps, and what the score makes
/// of them, each `[P]`.
pub fn joined(
    kernels: &Kernels,
    stream: &CudaStream,
    score: Score,
    (psi_rgb, psi_xyz): (&CudaSlice<f32>, &CudaSlice<f32>),
    places: &CudaSlice<i32>,
    [map_rgb, map_xyz, map]: [&mut CudaSlice<f32>; 3],
) -> Result<(), CudaError> {
    let lengths = [psi_rgb.len(), psi_xyz.len(), places.len(), map_rgb.len(), map_xyz.len(), map.len()];
    assert_eq!(lengths, [P; 6]);
    let kernel = match score {
        Score::Product => &kernels.product,
        Score::Likelihood => &kernels.sum,
    };
    let launch = Launch::new(stream, kernel).reads(psi_rgb).reads(psi_xyz).reads(places);
    let launch = launch.writes(map_rgb).writes(map_xyz).writes(map);
    // SAFETY: the lengths are checked above; a place is below P.
    unsafe { launch.run(Grid::over(P, PIXEL_THREADS, PIXEL_THREADS)) }
}

/// Smooths a map by the box filters, `[P]` -> `[P]`.
pub fn smooth(
    kernels: &Kernels,
    stream: &CudaStream,
    map: &CudaSlice<f32>,
    out: &mut CudaSlice<f32>,
) -> Result<(), CudaError> {
    assert_eq!((map.len(), out.len()), (P, P));
    let launch = Launch::new(stream, &kernels.smooth).reads(map).writes(out);
    // SAFETY: the lengths are checked above; the tiles cover the map.
    unsafe { launch.run(Grid::new([W / TILE, H / TILE], SMOOTH_THREADS)) }
}

/// The largest value of a map, `[P]` -> `[1]`.
pub fn maximum(
    kernels: &Kernels,
    stream: &CudaStream,
    map: &CudaSlice<f32>,
    out: &mut CudaSlice<f32>,
) -> Result<(), CudaError> {
    assert_eq!((map.len(), out.len()), (P, 1));
    let launch = Launch::new(stream, &kernels.maximum).reads(map).writes(out);
    // SAFETY: the lengths are checked above.
    unsafe { launch.run(Grid::one_block(MAXIMUM_THREADS)) }
}
