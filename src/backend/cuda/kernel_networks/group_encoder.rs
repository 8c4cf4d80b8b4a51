//! Launches of `kernels/group_encoder.cu`, and the weights of the group encoder and of the position network.

use std::sync::Arc;

use cudarc::driver::{CudaSlice, CudaStream};

use super::weights::{PART, fragments, planes};
use crate::backend::cuda::error::CudaError;
use crate::backend::cuda::launch::{Grid, Launch, int};
use crate::backend::cuda::layer::{Layer, with_zeros};
use crate::backend::cuda::module::Kernels;
use crate::backend::cuda::products::Activation;
use crate::backend::kernel_sizes::padded;
use crate::fold::encoder::FoldedEncoder;
use crate::fold::linear::linear;
use crate::model::{PointMaeShape, Tensors};
use crate::shapes::XYZ;

const THREADS: usize = 256;
/// Rows of a block of `group_maxima` and of `group_features`, and columns of the latter.
const MAXIMA_ROWS: usize = 128;
const ROWS: usize = 64;
const COLUMNS: usize = 384;

/// The folded encoder; e0, e1 and e2 are multiples of [`PART`].
pub struct GroupEncoder {
    first: CudaSlice<f32>,
    second: CudaSlice<u16>,
    second_bias: CudaSlice<f32>,
    pooled: Layer,
    local: CudaSlice<u16>,
    last: CudaSlice<u16>,
    last_bias: CudaSlice<f32>,
    /// Maxima of the second layer, halves `[G, e1]`, and the third layer on them, `[G, e2]`.
    maxima: CudaSlice<u16>,
    shared: CudaSlice<u16>,
    groups: usize,
    k: usize,
    /// Rows that a group has in the kernels, of which K are its points.
    points: usize,
    e0: usize,
    width: usize,
}

impl GroupEncoder {
    pub fn new(stream: &Arc<CudaStream>, shape: &PointMaeShape, weights: &mut Tensors) -> Result<Self, CudaError> {
        let FoldedEncoder { first, second, pooled, local, last } = FoldedEncoder::new(shape, weights);
        let [e0, e1, e2] = shape.encoder.map(|units| units.next_multiple_of(PART));
        let (groups, k) = (shape.groups, shape.group_size);
        Ok(Self {
            first: stream.clone_htod(&planes(&first, e0))?,
            second: stream.clone_htod(&fragments(&second))?,
            second_bias: stream.clone_htod(&with_zeros(&second.bias, e1))?,
            pooled: Layer::new(stream, &pooled, e1, e2)?,
            local: stream.clone_htod(&fragments(&local))?,
            last: stream.clone_htod(&fragments(&last))?,
            last_bias: stream.clone_htod(&last.bias)?,
            maxima: stream.alloc_zeros(groups * e1)?,
            shared: stream.alloc_zeros(groups * e2)?,
            groups,
            k,
            points: k.next_power_of_two().max(PART),
            e0,
            width: shape.width,
        })
    }

    pub fn weight_bytes(&self) -> usize {
        let halves = [&self.second, &self.local, &self.last].map(CudaSlice::num_bytes);
        let floats = [&self.first, &self.second_bias, &self.last_bias].map(CudaSlice::num_bytes);
        self.pooled.bytes() + halves.iter().chain(&floats).sum::<usize>()
    }

    /// offsets, halves `[G, K, 3]` -> out, f32 `[G, width]`.
    pub fn run(
        &mut self,
        kernels: &Kernels,
        stream: &CudaStream,
        offsets: &CudaSlice<u16>,
        out: &mut CudaSlice<f32>,
    ) -> Result<(), CudaError> {
        let (groups, points, e1, e2) = (self.groups, self.points, self.pooled.from, self.pooled.to);
        assert_eq!((offsets.len(), out.len()), (groups * self.k * XYZ, groups * self.width));
        let sizes = [groups, self.k, points, self.e0, e1].map(int);
        let launch = Launch::new(stream, &kernels.group_maxima).reads(offsets).reads(&self.first);
        let launch = launch.reads(&self.second).reads(&self.second_bias);
        let launch = sizes.iter().fold(launch, Launch::value).writes(&mut self.maxima);
        // SAFETY: the lengths are checked above and those of `GroupEncoder::new`, whose weights are padded as its sizes.
        unsafe { launch.run(Grid::over(groups * points, MAXIMA_ROWS, THREADS)) }?;
        self.pooled.on(&self.maxima, groups).linear(kernels, stream, Activation::Nothing, &mut self.shared)?;
        let sizes = [groups, self.k, points, self.e0, e2, self.width].map(int);
        let launch = Launch::new(stream, &kernels.group_features).reads(offsets).reads(&self.first);
        let launch = launch.reads(&self.local).reads(&self.shared).reads(&self.last).reads(&self.last_bias);
        let launch = sizes.iter().fold(launch, Launch::value).writes(out);
        let blocks = [(groups * points).div_ceil(ROWS.max(points)), self.width.div_ceil(COLUMNS)];
        // SAFETY: the same.
        unsafe { launch.run(Grid::new(blocks, THREADS)) }
    }
}

/// The position network: 3 to `hidden`, GELU, to `width`.
pub struct Positions {
    first: CudaSlice<f32>,
    second: Layer,
    /// Halves `[G, hidden]`.
    units: CudaSlice<u16>,
    groups: usize,
}

impl Positions {
    pub fn new(stream: &Arc<CudaStream>, shape: &PointMaeShape, weights: &mut Tensors) -> Result<Self, CudaError> {
        let hidden = padded(shape.position_hidden);
        let first = linear(weights, "xyz.pos_embed.0", shape.position_hidden);
        let second = linear(weights, "xyz.pos_embed.2", shape.width);
        Ok(Self {
            first: stream.clone_htod(&planes(&first, hidden))?,
            second: Layer::new(stream, &second, hidden, shape.width)?,
            units: stream.alloc_zeros(shape.groups * hidden)?,
            groups: shape.groups,
        })
    }

    pub fn weight_bytes(&self) -> usize {
        self.first.num_bytes() + self.second.bytes()
    }

    /// centres `[G, 3]`, metres -> positions, f32 `[G, width]`.
    pub fn run(
        &mut self,
        kernels: &Kernels,
        stream: &Arc<CudaStream>,
        centres: &CudaSlice<f32>,
        positions: &mut CudaSlice<f32>,
    ) -> Result<(), CudaError> {
        let (groups, hidden) = (self.groups, self.second.from);
        assert_eq!(centres.len(), groups * XYZ);
        let sizes = [groups, hidden].map(int);
        let launch = Launch::new(stream, &kernels.position_units).reads(centres).reads(&self.first);
        let launch = sizes.iter().fold(launch, Launch::value).writes(&mut self.units);
        // SAFETY: the lengths are checked above and those of `Positions::new`.
        unsafe { launch.run(Grid::over(groups * hidden / 2, THREADS, THREADS)) }?;
        stream.memset_zeros(positions)?;
        self.second.on(&self.units, groups).add_linear(kernels, stream, positions)
    }
}
