//! Launches of `kernels/fit.cu`. A matrix is at the front of its slice, which may be longer.

use cudarc::driver::{CudaSlice, CudaStream};

use super::error::CudaError;
use super::launch::{Grid, Launch, int};
use super::module::Kernels;
use crate::backend::learner::{Adam, BETA, EPSILON};

const ROW_THREADS: usize = 256;
const LOSS_WARPS: usize = 8;
const MEAN_THREADS: usize = 256;
const SUM_SIDE: usize = 32;
const ADAM_THREADS: usize = 256;

/// Adds bias `[C]` to before `[n, C]`, in place, and writes the GELU of the sum to after `[n, C]`.
pub fn bias_gelu(
    kernels: &Kernels,
    stream: &CudaStream,
    n: usize,
    bias: &CudaSlice<f32>,
    [before, after]: [&mut CudaSlice<f32>; 2],
) -> Result<(), CudaError> {
    let c = bias.len();
    assert!(before.len() >= n * c && after.len() >= n * c);
    let columns = int(c);
    let launch = Launch::new(stream, &kernels.bias_gelu).writes(before).reads(bias).value(&columns).writes(after);
    // SAFETY: the lengths are checked above.
    unsafe { launch.run(Grid::new([n, 1], ROW_THREADS)) }
}

/// predicted `[n, C]` without its bias `[C]`, observed `[n, C]` -> losses `[n]`, one for each row, and the gradient of
/// their mean, `[n, C]`.
pub fn cosine_loss(
    kernels: &Kernels,
    stream: &CudaStream,
    n: usize,
    (predicted, bias, observed): (&CudaSlice<f32>, &CudaSlice<f32>, &CudaSlice<f32>),
    (losses, gradient): (&mut CudaSlice<f32>, &mut CudaSlice<f32>),
) -> Result<(), CudaError> {
    let c = bias.len();
    assert!([predicted.len(), observed.len(), gradient.len()].iter().all(|len| *len >= n * c) && losses.len() >= n);
    let sizes = [n, c].map(int);
    let launch = Launch::new(stream, &kernels.cosine_loss).reads(predicted).reads(bias).reads(observed);
    let launch = launch.value(&sizes[0]).value(&sizes[1]).writes(losses).writes(gradient);
    // SAFETY: the lengths are checked above.
    unsafe { launch.run(Grid::over(n, LOSS_WARPS, LOSS_WARPS * 32)) }
}

/// Adds the mean of losses `[n]` to total `[1]`.
pub fn add_mean(
    kernels: &Kernels,
    stream: &CudaStream,
    n: usize,
    losses: &CudaSlice<f32>,
    total: &mut CudaSlice<f64>,
) -> Result<(), CudaError> {
    assert!(losses.len() >= n && total.len() == 1);
    let count = int(n);
    let launch = Launch::new(stream, &kernels.add_mean).reads(losses).value(&count).writes(total);
    // SAFETY: the lengths are checked above.
    unsafe { launch.run(Grid::one_block(MEAN_THREADS)) }
}

/// gradient `[n, C]` with respect to the output of a GELU -> with respect to its input, `before` `[n, C]`; in place.
pub fn gelu_backward(
    kernels: &Kernels,
    stream: &CudaStream,
    [n, c]: [usize; 2],
    before: &CudaSlice<f32>,
    gradient: &mut CudaSlice<f32>,
) -> Result<(), CudaError> {
    assert!(before.len() >= n * c && gradient.len() >= n * c);
    let columns = int(c);
    let launch = Launch::new(stream, &kernels.gelu_backward).writes(gradient).reads(before).value(&columns);
    // SAFETY: the lengths are checked above.
    unsafe { launch.run(Grid::new([n, 1], ROW_THREADS)) }
}

/// gradient `[n, C]` -> the sum of each column, the first C of `sums`.
pub fn column_sums(
    kernels: &Kernels,
    stream: &CudaStream,
    [n, c]: [usize; 2],
    gradient: &CudaSlice<f32>,
    sums: &mut CudaSlice<f32>,
) -> Result<(), CudaError> {
    assert!(gradient.len() >= n * c && sums.len() >= c);
    let sizes = [n, c].map(int);
    let launch = Launch::new(stream, &kernels.column_sums).reads(gradient);
    let launch = launch.value(&sizes[0]).value(&sizes[1]).writes(sums);
    // SAFETY: the lengths are checked above.
    unsafe { launch.run(Grid::over(c, SUM_SIDE, SUM_SIDE * SUM_SIDE)) }
}

/// Takes one step of `weights` with the front of `gradient`, and updates both moments.
pub fn adam(
    kernels: &Kernels,
    stream: &CudaStream,
    clock: &Adam,
    gradient: &CudaSlice<f32>,
    [weights, first, second]: [&mut CudaSlice<f32>; 3],
) -> Result<(), CudaError> {
    let count = weights.len();
    assert!(gradient.len() >= count && first.len() == count && second.len() == count);
    let (items, [beta_first, beta_second]) = (int(count), BETA.map(|beta| beta as f32));
    let numbers = [clock.rate(), clock.root_correction(), beta_first, beta_second, EPSILON];
    let launch = Launch::new(stream, &kernels.adam).writes(weights).reads(gradient).writes(first).writes(second);
    let launch = numbers.iter().fold(launch.value(&items), Launch::value);
    // SAFETY: the lengths are checked above.
    unsafe { launch.run(Grid::over(count, ADAM_THREADS, ADAM_THREADS)) }
}
