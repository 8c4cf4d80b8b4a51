//! Launches of `kernels/products.cu`: matrix products on the matrix units.

use cudarc::driver::{CudaSlice, CudaStream};
use half::f16;
use half::slice::{HalfBitsSliceExt, HalfFloatSliceExt};

use super::error::CudaError;
use super::launch::{Grid, Launch, int};
use super::module::{Kernel, Kernels};
use crate::backend::kernel_sizes::{CHUNK, padded};

/// Sums of squares that `squared_lengths` writes for a row and a tile.
const TILE_PARTS: usize = 4;

/// The side of a block's tile of the result, and the block's threads.
#[derive(Clone, Copy)]
struct Tile {
    side: usize,
    threads: usize,
}

const SMALL: Tile = Tile { side: 64, threads: 128 };
const LARGE: Tile = Tile { side: 128, threads: 256 };

impl Tile {
    fn blocks(self, rows: usize, to: usize) -> [usize; 2] {
        [to.div_ceil(self.side), rows.div_ceil(self.side)]
    }
}

/// Writes rows of `columns` values as halves, `[n, padded(columns)]`.
pub fn halves(values: &[f32], columns: usize, out: &mut [u16]) {
    let out: &mut [f16] = out.reinterpret_cast_mut();
    for (row, out) in values.chunks_exact(columns).zip(out.chunks_exact_mut(padded(columns))) {
        out[..columns].convert_from_f32_slice(row);
        out[columns..].fill(f16::ZERO);
    }
}

/// Reads halves as f32.
pub fn widen(bits: &[u16], out: &mut Vec<f32>) {
    let bits: &[f16] = bits.reinterpret_cast();
    out.resize(bits.len(), 0.0);
    bits.convert_to_f32_slice(out);
}

/// The number of sums that [`Product::squared_lengths`] writes for each row.
pub fn parts(to: usize) -> usize {
    to.div_ceil(LARGE.side) * TILE_PARTS
}

/// The function that is applied to each value of a layer; the discriminants are the kernels'.
#[derive(Clone, Copy)]
pub enum Activation {
    Nothing = 0,
    Gelu = 1,
    Relu = 2,
}

/// x, halves `[rows, from]`, by the transposed weight, halves `[to, from]`, plus the bias, f32 `[to]`.
#[derive(Clone, Copy)]
pub struct Product<'a> {
    pub x: &'a CudaSlice<u16>,
    pub weight: &'a CudaSlice<u16>,
    pub bias: Option<&'a CudaSlice<f32>>,
    /// The number of rows that are computed, at most `rows`, `[1]`; all rows if none.
    pub count: Option<&'a CudaSlice<i32>>,
    pub rows: usize,
    /// A multiple of [`CHUNK`].
    pub from: usize,
    pub to: usize,
    /// Whether row i of the weight is zero before its column i.
    pub triangular: bool,
}

impl<'a> Product<'a> {
    /// All rows of x by the weight, without a bias.
    pub fn plain(x: &'a CudaSlice<u16>, weight: &'a CudaSlice<u16>, [rows, from, to]: [usize; 3]) -> Self {
        Self { x, weight, bias: None, count: None, rows, from, to, triangular: false }
    }

    /// Writes `activation` of the product, halves `[rows, to]`; `to` is even.
    pub fn linear(
        &self,
        kernels: &Kernels,
        stream: &CudaStream,
        activation: Activation,
        out: &mut CudaSlice<u16>,
    ) -> Result<(), CudaError> {
        let Self { count, rows, from, to, .. } = *self;
        assert!(to.is_multiple_of(2) && out.len() >= rows * to);
        // Large tiles read less, but must be enough for every multiprocessor to have one.
        let [across, down] = LARGE.blocks(rows, to);
        let large = across * down >= kernels.processors;
        let (kernel, tile) = if large { (&kernels.linear_large, LARGE) } else { (&kernels.linear, SMALL) };
        let sizes = [rows, from, to, usize::from(self.triangular), activation as usize].map(int);
        let launch = self.launch(stream, kernel).reads_if(count);
        let launch = sizes.iter().fold(launch, Launch::value).writes(out);
        // SAFETY: the lengths are checked above and in `launch`; a count on the device is at most `rows`.
        unsafe { launch.run(Grid::new(tile.blocks(rows, to), tile.threads)) }
    }

    /// Adds the product to f32 `[rows, to]`; `to` is even, and all rows are computed.
    pub fn add_linear(
        &self,
        kernels: &Kernels,
        stream: &CudaStream,
        out: &mut CudaSlice<f32>,
    ) -> Result<(), CudaError> {
        let Self { rows, from, to, .. } = *self;
        assert!(to.is_multiple_of(2) && out.len() >= rows * to && self.is_whole());
        let sizes = [rows, from, to].map(int);
        let launch = self.launch(stream, &kernels.add_linear);
        let launch = sizes.iter().fold(launch, Launch::value).writes(out);
        // SAFETY: the lengths are checked above and in `launch`.
        unsafe { launch.run(Grid::new(SMALL.blocks(rows, to), SMALL.threads)) }
    }

    /// Writes the squared lengths of the product's rows in `parts(to)` parts, f32 `[parts, rows]`.
    pub fn squared_lengths(
        &self,
        kernels: &Kernels,
        stream: &CudaStream,
        out: &mut CudaSlice<f32>,
    ) -> Result<(), CudaError> {
        let Self { count, rows, from, to, .. } = *self;
        assert!(out.len() >= parts(to) * rows);
        let sizes = [rows, from, to, usize::from(self.triangular)].map(int);
        let launch = self.launch(stream, &kernels.squared_lengths).reads_if(count);
        let launch = sizes.iter().fold(launch, Launch::value).writes(out);
        // SAFETY: the lengths are checked above and in `launch`; a count on the device is at most `rows`.
        unsafe { launch.run(Grid::new(LARGE.blocks(rows, to), LARGE.threads)) }
    }

    /// Writes the product in f32, `[rows, to]`; it has no bias, and all rows are computed.
    pub fn inner_products(
        &self,
        kernels: &Kernels,
        stream: &CudaStream,
        out: &mut CudaSlice<f32>,
    ) -> Result<(), CudaError> {
        let Self { x, weight, bias, rows, from, to, .. } = *self;
        assert!(out.len() >= rows * to && bias.is_none() && self.is_whole());
        self.check();
        let sizes = [rows, from, to].map(int);
        let launch = Launch::new(stream, &kernels.inner_products).reads(x).reads(weight);
        let launch = sizes.iter().fold(launch, Launch::value).writes(out);
        // SAFETY: the lengths are checked above and in `check`.
        unsafe { launch.run(Grid::new(SMALL.blocks(rows, to), SMALL.threads)) }
    }

    /// Whether every row and every column of the weight counts.
    fn is_whole(&self) -> bool {
        self.count.is_none() && !self.triangular
    }

    fn check(&self) {
        let Self { x, weight, bias, count, rows, from, to, .. } = *self;
        assert!(from.is_multiple_of(CHUNK) && x.len() >= rows * from && weight.len() == to * from);
        assert!(bias.is_none_or(|b| b.len() == to) && count.is_none_or(|c| c.len() == 1));
    }

    /// A launch of `kernel` with the arguments that most begin with.
    fn launch(&self, stream: &'a CudaStream, kernel: &'a Kernel) -> Launch<'a> {
        self.check();
        Launch::new(stream, kernel).reads(self.x).reads(self.weight).reads_if(self.bias)
    }
}
