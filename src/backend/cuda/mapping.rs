//! Launches of `kernels/mapping.cu`, and a mapping's weights on the device.

use std::sync::Arc;

use cudarc::driver::{CudaSlice, CudaStream};

use super::error::CudaError;
use super::interpolate::Rows;
use super::launch::{Grid, Launch, int};
use super::layer::{Layer, with_zeros};
use super::module::Kernels;
use super::products::{Activation, Product, parts};
use crate::backend::kernel_sizes::padded;
use crate::fold::factor::Factor;
use crate::fold::linear::Linear;
use crate::fold::mapping::{FoldedOutput, HiddenLayers};
use crate::model::{LinearWeights, Tensors};
use crate::shapes::P;

const HIDDEN_PIXELS: usize = 8;
const HIDDEN_THREADS: usize = 128;
const PSI_WARPS: usize = 8;

/// A mapping `C_in - M - M - C_out` on the device, and what it computes from each frame's tokens and groups.
pub struct Mapping {
    /// The first layer without its bias, which is added after the interpolation, `[M]`.
    input: Layer,
    input_bias: CudaSlice<f32>,
    projection: Layer,
    /// R of the output layer's QR factors, `[ranks, M]`, and Q'b, with the bias b of the output layer, `[ranks]`.
    triangle: Layer,
    /// The part of |b|^2 that is perpendicular to the columns of Q.
    rest: f32,
    /// The output layer's weight transposed, `[M, C_out]`.
    transposed: Layer,
    /// The output layer's bias as a layer, `[1, C_out]`.
    output_bias: Layer,
    m: usize,
    pub predicted: Predicted,
    pub observed: Observed,
}

/// The first layer, without its bias, of each token or group of the modality that is mapped, `[n, M]`.
pub struct Predicted {
    pub moved: CudaSlice<u16>,
    count: usize,
}

/// The terms by which predictions are compared with the n tokens or groups of the modality that is predicted.
pub struct Observed {
    /// The products with the output layer's weight, `[n, M]`.
    pub projected: CudaSlice<u16>,
    /// The products with the output layer's bias, `[n]`.
    pub offset: CudaSlice<f32>,
    /// The inner products with each other, `[n, n]`.
    pub gram: CudaSlice<f32>,
    count: usize,
}

/// The hidden units of the listed pixels. Both mappings use these buffers in turn.
pub struct HiddenUnits {
    /// The units of the first layer, `[pixels, M]`.
    first: CudaSlice<u16>,
    /// The units of the second layer, `[pixels, M]`.
    second: CudaSlice<u16>,
    /// The squared lengths of R times the second layer's units plus Q'b, in parts, `[parts, pixels]`.
    squares: CudaSlice<f32>,
}

impl HiddenUnits {
    /// Allocates `m` units for every pixel, for mappings whose output layers have a rank of at most `ranks`.
    pub fn new(stream: &Arc<CudaStream>, m: usize, ranks: usize) -> Result<Self, CudaError> {
        let m = padded(m);
        Ok(Self {
            first: stream.alloc_zeros(P * m)?,
            second: stream.alloc_zeros(P * m)?,
            squares: stream.alloc_zeros(P * parts(ranks))?,
        })
    }
}

impl Mapping {
    /// Takes the layers of the mapping `name` out of `weights`. `hidden` is M; `counts` are the numbers of tokens or
    /// groups of the mapped and of the predicted modality.
    pub fn new(
        stream: &Arc<CudaStream>,
        name: &str,
        (hidden, c_out): (usize, usize),
        counts: (usize, usize),
        weights: &mut Tensors,
    ) -> Result<Self, CudaError> {
        let HiddenLayers { input, projection } = HiddenLayers::new(name, weights);
        let FoldedOutput { output_transposed, output_bias, factor } = FoldedOutput::new(name, [hidden, c_out], weights);
        let Factor { triangle, shift, rest } = factor;
        // Weights and biases of the hidden units that are added are zero, so they change nothing.
        let m = padded(hidden);
        let predicted = Predicted { moved: stream.alloc_zeros(counts.0 * m)?, count: counts.0 };
        let observed = Observed {
            projected: stream.alloc_zeros(counts.1 * m)?,
            offset: stream.alloc_zeros(counts.1)?,
            gram: stream.alloc_zeros(counts.1 * counts.1)?,
            count: counts.1,
        };
        let ranks = shift.len();
        let layer = |weight, bias, to, padded| {
            let layer = Linear::new(weight, bias, to);
            Layer::new(stream, &layer, layer.from, padded)
        };
        let weight = |layer: &LinearWeights| layer.weight.to_f32().into_owned();
        Ok(Self {
            input: layer(weight(&input), Vec::new(), hidden, m)?,
            input_bias: stream.clone_htod(&with_zeros(&input.bias, m))?,
            projection: layer(weight(&projection), projection.bias, hidden, m)?,
            triangle: layer(triangle, shift, ranks, ranks)?,
            rest,
            transposed: layer(output_transposed, Vec::new(), hidden, m)?,
            output_bias: layer(output_bias, Vec::new(), 1, 1)?,
            m,
            predicted,
            observed,
        })
    }

    pub fn weight_bytes(&self) -> usize {
        let layers = [&self.input, &self.projection, &self.triangle, &self.transposed, &self.output_bias];
        self.input_bias.num_bytes() + layers.map(Layer::bytes).iter().sum::<usize>()
    }

    /// Computes [`Predicted`] from the tokens or groups of the mapped modality, halves `[n, C_in]`.
    pub fn predict(
        &mut self,
        kernels: &Kernels,
        stream: &CudaStream,
        tokens: &CudaSlice<u16>,
    ) -> Result<(), CudaError> {
        let Predicted { moved, count } = &mut self.predicted;
        self.input.on(tokens, *count).linear(kernels, stream, Activation::Nothing, moved)
    }

    /// Computes [`Observed`] from the tokens or groups of the predicted modality, halves `[n, C_out]`.
    pub fn observe(
        &mut self,
        kernels: &Kernels,
        stream: &CudaStream,
        tokens: &CudaSlice<u16>,
    ) -> Result<(), CudaError> {
        let Observed { projected, offset, gram, count } = &mut self.observed;
        self.transposed.on(tokens, *count).linear(kernels, stream, Activation::Nothing, projected)?;
        self.output_bias.on(tokens, *count).inner_products(kernels, stream, offset)?;
        Product::plain(tokens, tokens, [*count, self.transposed.from, *count]).inner_products(kernels, stream, gram)
    }

    /// Computes the layers after those of [`Self::first_units`] for the listed pixels; `listed` is their number, `[1]`.
    pub fn rest_units(
        &self,
        kernels: &Kernels,
        stream: &CudaStream,
        listed: &CudaSlice<i32>,
        hidden: &mut HiddenUnits,
    ) -> Result<(), CudaError> {
        let HiddenUnits { first, second, squares } = hidden;
        let projection = Product { count: Some(listed), ..self.projection.on(first, P) };
        projection.linear(kernels, stream, Activation::Gelu, second)?;
        let triangle = Product { count: Some(listed), triangular: true, ..self.triangle.on(second, P) };
        triangle.squared_lengths(kernels, stream, squares)
    }

    /// Computes psi of the listed pixels from their hidden units and the rows `to` of the predicted modality; `listed`
    /// is their number, `[1]`.
    pub fn discrepancy(
        &self,
        kernels: &Kernels,
        stream: &CudaStream,
        to: &Rows,
        listed: &CudaSlice<i32>,
        hidden: &HiddenUnits,
        psi: &mut CudaSlice<f32>,
    ) -> Result<(), CudaError> {
        let HiddenUnits { second, squares, .. } = hidden;
        let (m, parts) = (self.m, parts(self.triangle.to));
        let Observed { projected, offset, gram, count } = &self.observed;
        assert!(second.len() >= P * m && squares.len() >= P * parts && psi.len() == P);
        let sizes = [to.stride, P, m, parts, *count].map(int);
        let launch = Launch::new(stream, &kernels.discrepancy).reads(second).reads(squares).reads(projected);
        let launch = launch.reads(offset).reads(gram).reads(&to.index).reads(&to.weight).reads_if(to.lengths.as_ref());
        let launch = launch.value(&sizes[0]).reads(listed);
        let launch = sizes[1..].iter().fold(launch, Launch::value).value(&self.rest).writes(psi);
        // SAFETY: the lengths are those checked above and those of `Observed` and `Rows`; indices in rows are below
        // their `count`.
        unsafe { launch.run(Grid::over(P, PSI_WARPS, PSI_WARPS * 32)) }
    }

    /// Computes the first layer's units of the listed pixels from the rows of the mapped modality; `listed` is their
    /// number, `[1]`.
    pub fn first_units(
        &self,
        kernels: &Kernels,
        stream: &CudaStream,
        rows: &Rows,
        listed: &CudaSlice<i32>,
        hidden: &mut HiddenUnits,
    ) -> Result<(), CudaError> {
        let out = &mut hidden.first;
        assert!(out.len() >= P * self.m && listed.len() == 1);
        let sizes = [rows.stride, self.m].map(int);
        let launch =
            Launch::new(stream, &kernels.hidden_activations).reads(&self.predicted.moved).reads(&self.input_bias);
        let launch = launch.reads(&rows.index).reads(&rows.weight).reads_if(rows.lengths.as_ref());
        let launch = launch.value(&sizes[0]).reads(listed).value(&sizes[1]).writes(out);
        // SAFETY: the lengths are those checked above and those of `Predicted` and `Rows`; indices in rows are below
        // their `count`.
        unsafe { launch.run(Grid::over(P, HIDDEN_PIXELS, HIDDEN_THREADS)) }
    }
}
