//! Launches of `kernels/mapping.cu` and `kernels/linear.cu`, and a mapping's weights on the device.

use std::sync::Arc;

use cudarc::driver::{CudaSlice, CudaStream};
use half::f16;
use half::slice::{HalfBitsSliceExt, HalfFloatSliceExt};

use super::error::CudaError;
use super::interpolate::Rows;
use super::launch::{Grid, Launch, int};
use super::module::Kernels;
use crate::fold::factor::Factor;
use crate::fold::mapping::FoldedMapping;
use crate::model::Tensors;
use crate::shapes::{P, TAIL_PIXELS};

const TILE: usize = 64;
const LINEAR_THREADS: usize = 256;
const HIDDEN_PIXELS: usize = 8;
const HIDDEN_THREADS: usize = 128;
const PSI_WARPS: usize = 8;

/// The number of channels rounded up to even, as the kernels read channels in pairs. A channel that is added is zero.
pub fn paired(channels: usize) -> usize {
    channels.next_multiple_of(2)
}

/// Writes rows of `columns` values as halves, `[n, paired(columns)]`.
pub fn halves(values: &[f32], columns: usize, out: &mut [u16]) {
    let out: &mut [f16] = out.reinterpret_cast_mut();
    for (row, out) in values.chunks_exact(columns).zip(out.chunks_exact_mut(paired(columns))) {
        out[..columns].convert_from_f32_slice(row);
        out[columns..].fill(f16::ZERO);
    }
}

/// A layer: x, halves `[rows, from]` -> halves `[rows, to]`.
pub struct Product<'a> {
    pub x: &'a CudaSlice<u16>,
    pub weight: &'a CudaSlice<u16>,
    pub bias: Option<&'a CudaSlice<f32>>,
    /// The number of rows that are computed, at most `rows`, `[1]`; all rows if none.
    pub count: Option<&'a CudaSlice<i32>>,
    pub rows: usize,
    pub from: usize,
    pub to: usize,
    pub gelu: bool,
}

impl Product<'_> {
    pub fn run(&self, kernels: &Kernels, stream: &CudaStream, out: &mut CudaSlice<u16>) -> Result<(), CudaError> {
        let Self { x, weight, bias, count, rows, from, to, gelu } = *self;
        assert!(from.is_multiple_of(2) && x.len() >= rows * from && out.len() >= rows * to);
        assert!(weight.len() == to * from && bias.is_none_or(|b| b.len() == to) && count.is_none_or(|c| c.len() == 1));
        let sizes = [rows, from, to, usize::from(gelu)].map(int);
        let launch = Launch::new(stream, &kernels.linear).reads(x).reads(weight).reads_if(bias).reads_if(count);
        let launch = sizes.iter().fold(launch, Launch::value).writes(out);
        // SAFETY: the lengths are checked above; a count on the device is at most `rows`.
        unsafe { launch.run(Grid::new([rows.div_ceil(TILE), to.div_ceil(TILE)], LINEAR_THREADS)) }
    }
}

/// x `[rows, from]`, weight `[to, from]` -> f32 `[rows, to]`.
pub fn inner_products(
    kernels: &Kernels,
    stream: &CudaStream,
    (x, weight): (&CudaSlice<u16>, &CudaSlice<u16>),
    [rows, from, to]: [usize; 3],
    out: &mut CudaSlice<f32>,
) -> Result<(), CudaError> {
    assert!(from.is_multiple_of(2));
    assert_eq!((x.len(), weight.len(), out.len()), (rows * from, to * from, rows * to));
    let sizes = [rows, from, to].map(int);
    let launch = Launch::new(stream, &kernels.inner_products).reads(x).reads(weight);
    let launch = sizes.iter().fold(launch, Launch::value).writes(out);
    // SAFETY: the lengths are checked above.
    unsafe { launch.run(Grid::new([rows.div_ceil(TILE), to.div_ceil(TILE)], LINEAR_THREADS)) }
}

/// A mapping `C_in - M - M - C_out` on the device, and what it computes from each frame's tokens and groups.
pub struct Mapping {
    input: CudaSlice<u16>,
    input_bias: CudaSlice<f32>,
    projection: CudaSlice<u16>,
    projection_bias: CudaSlice<f32>,
    /// R of the output layer's QR factors, `[ranks, M]`.
    triangle: CudaSlice<u16>,
    /// Q'b, with the bias b of the output layer, `[ranks]`.
    shift: CudaSlice<f32>,
    /// The part of |b|^2 that is perpendicular to the columns of Q.
    rest: f32,
    /// The output layer's weight transposed, `[M, C_out]`.
    transposed: CudaSlice<u16>,
    /// The output layer's bias, `[C_out]`.
    output_bias: CudaSlice<u16>,
    from: usize,
    m: usize,
    to: usize,
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
    pub first: CudaSlice<u16>,
    /// The units of the second layer, `[pixels, M]`.
    pub second: CudaSlice<u16>,
    /// R times the second layer's units plus Q'b, `[pixels, ranks]`.
    pub turned: CudaSlice<u16>,
}

impl HiddenUnits {
    /// Allocates room for `m` hidden units and `ranks` turned values of every pixel.
    pub fn new(stream: &Arc<CudaStream>, m: usize, ranks: usize) -> Result<Self, CudaError> {
        let m = paired(m);
        // The networks read and write whole slices of pixels.
        let rows = P.next_multiple_of(TAIL_PIXELS);
        Ok(Self {
            first: stream.alloc_zeros(rows * m)?,
            second: stream.alloc_zeros(rows * m)?,
            turned: stream.alloc_zeros(rows * ranks)?,
        })
    }
}

fn to_device(
    stream: &Arc<CudaStream>,
    values: &[f32],
    columns: usize,
    rows: usize,
) -> Result<CudaSlice<u16>, CudaError> {
    let mut bits = vec![0; rows * paired(columns)];
    halves(values, columns, &mut bits);
    Ok(stream.clone_htod(&bits)?)
}

/// Pads a bias with a zero if M is odd. The weights of the hidden unit that is added are zero too, so it changes
/// nothing.
fn padded(mut bias: Vec<f32>, to: usize) -> Vec<f32> {
    bias.resize(to, 0.0);
    bias
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
        let FoldedMapping { input, projection, output_transposed, output_bias, factor } =
            FoldedMapping::new(name, hidden, c_out, weights);
        let Factor { triangle, shift, rest } = factor;
        let (c_in, m) = (input.weight.values().count() / hidden, paired(hidden));
        let predicted = Predicted { moved: stream.alloc_zeros(counts.0 * m)?, count: counts.0 };
        let observed = Observed {
            projected: stream.alloc_zeros(counts.1 * m)?,
            offset: stream.alloc_zeros(counts.1)?,
            gram: stream.alloc_zeros(counts.1 * counts.1)?,
            count: counts.1,
        };
        Ok(Self {
            input: to_device(stream, &input.weight.to_f32(), c_in, m)?,
            input_bias: stream.clone_htod(&padded(input.bias, m))?,
            projection: to_device(stream, &projection.weight.to_f32(), hidden, m)?,
            projection_bias: stream.clone_htod(&padded(projection.bias, m))?,
            triangle: to_device(stream, &triangle, hidden, shift.len())?,
            shift: stream.clone_htod(&shift)?,
            rest,
            transposed: to_device(stream, &output_transposed, c_out, m)?,
            output_bias: to_device(stream, &output_bias, c_out, 1)?,
            from: paired(c_in),
            m,
            to: paired(c_out),
            predicted,
            observed,
        })
    }

    /// Computes [`Predicted`] from the tokens or groups of the mapped modality, halves `[n, C_in]`.
    pub fn predict(
        &mut self,
        kernels: &Kernels,
        stream: &CudaStream,
        tokens: &CudaSlice<u16>,
    ) -> Result<(), CudaError> {
        let Predicted { moved, count } = &mut self.predicted;
        let product = Product {
            x: tokens,
            weight: &self.input,
            bias: None,
            count: None,
            rows: *count,
            from: self.from,
            to: self.m,
            gelu: false,
        };
        product.run(kernels, stream, moved)
    }

    /// Computes [`Observed`] from the tokens or groups of the predicted modality, halves `[n, C_out]`.
    pub fn observe(
        &mut self,
        kernels: &Kernels,
        stream: &CudaStream,
        tokens: &CudaSlice<u16>,
    ) -> Result<(), CudaError> {
        let Observed { projected, offset, gram, count } = &mut self.observed;
        let rows = *count;
        let product = Product {
            x: tokens,
            weight: &self.transposed,
            bias: None,
            count: None,
            rows,
            from: self.to,
            to: self.m,
            gelu: false,
        };
        product.run(kernels, stream, projected)?;
        inner_products(kernels, stream, (tokens, &self.output_bias), [rows, self.to, 1], offset)?;
        inner_products(kernels, stream, (tokens, tokens), [rows, self.to, rows], gram)
    }

    /// The widths of [`HiddenUnits`]: M, and that of `turned`.
    pub fn widths(&self) -> (usize, usize) {
        (self.m, self.shift.len())
    }

    /// Computes the layers after those of [`Self::first_units`] for the listed pixels; `listed` is their number, `[1]`.
    pub fn rest_units(
        &self,
        kernels: &Kernels,
        stream: &CudaStream,
        listed: &CudaSlice<i32>,
        hidden: &mut HiddenUnits,
    ) -> Result<(), CudaError> {
        let HiddenUnits { first, second, turned } = hidden;
        let (m, ranks) = self.widths();
        let layer = |x, weight, bias, to, gelu| Product {
            x,
            weight,
            bias: Some(bias),
            count: Some(listed),
            rows: P,
            from: m,
            to,
            gelu,
        };
        layer(first, &self.projection, &self.projection_bias, m, true).run(kernels, stream, second)?;
        layer(second, &self.triangle, &self.shift, ranks, false).run(kernels, stream, turned)
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
        let HiddenUnits { second, turned, .. } = hidden;
        let (m, ranks) = self.widths();
        let Observed { projected, offset, gram, count } = &self.observed;
        assert!(second.len() >= P * m && turned.len() >= P * ranks && psi.len() == P);
        let sizes = [to.stride, m, ranks, *count].map(int);
        let launch = Launch::new(stream, &kernels.discrepancy).reads(second).reads(turned).reads(projected);
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
