//! Launches of `kernels/sampling.cu`.

use std::sync::Arc;

use cudarc::driver::{CudaSlice, CudaStream};

use super::error::CudaError;
use super::launch::{Grid, Launch, int};
use super::module::Kernels;
use crate::shapes::{P, XYZ};

const SAMPLE_THREADS: usize = 512;
/// The points that one block holds: for each thread 25 in registers and 5 in shared memory.
const SAMPLE_POINTS: usize = SAMPLE_THREADS * (25 + 5);
/// The blocks that the largest cloud needs, each of which takes a whole multiprocessor.
pub const SAMPLE_BLOCKS: usize = P.div_ceil(SAMPLE_POINTS);
/// What a block tells the others in a round: three words for each of its warps.
const OFFERS: usize = 3 * SAMPLE_THREADS / 32;

/// Memory of farthest point sampling.
pub struct Sampler {
    /// What the blocks tell each other in even and in odd rounds, `[2, SAMPLE_BLOCKS, OFFERS]`.
    words: CudaSlice<u64>,
    /// How many rounds the last cloud took, `[1]`.
    pub rounds: CudaSlice<i32>,
}

impl Sampler {
    pub fn new(stream: &Arc<CudaStream>) -> Result<Self, CudaError> {
        Ok(Self { words: stream.alloc_zeros(2 * SAMPLE_BLOCKS * OFFERS)?, rounds: stream.alloc_zeros(1)? })
    }
}

/// points, N -> centre_index `[G]`, centres `[G, 3]`.
pub fn farthest_points(
    kernels: &Kernels,
    stream: &Arc<CudaStream>,
    (points, count): (&CudaSlice<f32>, &CudaSlice<i32>),
    Sampler { words, rounds }: &mut Sampler,
    centre_index: &mut CudaSlice<i32>,
    centres: &mut CudaSlice<f32>,
) -> Result<(), CudaError> {
    let groups = centre_index.len();
    assert!(groups > 0, "no group");
    assert_eq!((points.len(), count.len(), centres.len()), (P * XYZ, 1, groups * XYZ));
    stream.memset_zeros(words)?;
    let groups = int(groups);
    let launch = Launch::new(stream, &kernels.farthest_points).reads(points).reads(count).value(&groups);
    let launch = launch.writes(words).writes(centre_index).writes(centres).writes(rounds);
    // SAFETY: the lengths are checked above or are those of `Sampler::new`; the blocks wait for each other, and are
    // launched together.
    unsafe { launch.run(Grid::cooperative(SAMPLE_BLOCKS, SAMPLE_THREADS)) }
}
