//! The distance of unit vectors (equation 3), without evaluating a mapping's last layer.

use std::sync::Arc;

use cudarc::driver::{CudaSlice, CudaStream};

use super::units::{HiddenUnits, PSI_WARPS};
use crate::backend::cuda::error::CudaError;
use crate::backend::cuda::interpolate::Rows;
use crate::backend::cuda::launch::{Grid, Launch, int};
use crate::backend::cuda::layer::Layer;
use crate::backend::cuda::module::Kernels;
use crate::backend::cuda::products::{Activation, Product, parts};
use crate::backend::kernel_sizes::padded;
use crate::fold::factor::Factor;
use crate::fold::linear::Linear;
use crate::fold::mapping::FoldedOutput;
use crate::shapes::P;

/// A mapping's last layer, folded, and what it computes from each frame's tokens or groups.
pub struct CosineHead {
    /// R of the output layer's QR factors, `[ranks, M]`, and Q'b, with the bias b of the output layer, `[ranks]`.
    triangle: Layer,
    /// The part of |b|^2 that is perpendicular to the columns of Q.
    rest: f32,
    /// The output layer's weight transposed, `[M, C_out]`.
    transposed: Layer,
    /// The output layer's bias as a layer, `[1, C_out]`.
    output_bias: Layer,
    m: usize,
    pub observed: Observed,
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

impl CosineHead {
    /// `hidden` is M, `count` the number of tokens or groups of the predicted modality.
    pub fn new(stream: &Arc<CudaStream>, output: FoldedOutput, hidden: usize, count: usize) -> Result<Self, CudaError> {
        let FoldedOutput { output_transposed, output_bias, factor } = output;
        let Factor { triangle, shift, rest } = factor;
        let m = padded(hidden);
        let observed = Observed {
            projected: stream.alloc_zeros(count * m)?,
            offset: stream.alloc_zeros(count)?,
            gram: stream.alloc_zeros(count * count)?,
            count,
        };
        let ranks = shift.len();
        let layer = |weight, bias, to, padded| {
            let layer = Linear::new(weight, bias, to);
            Layer::new(stream, &layer, layer.from, padded)
        };
        Ok(Self {
            triangle: layer(triangle, shift, ranks, ranks)?,
            rest,
            transposed: layer(output_transposed, Vec::new(), hidden, m)?,
            output_bias: layer(output_bias, Vec::new(), 1, 1)?,
            m,
            observed,
        })
    }

    pub fn weight_bytes(&self) -> usize {
        [&self.triangle, &self.transposed, &self.output_bias].map(Layer::bytes).iter().sum()
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

    /// Computes psi of the listed pixels from the second layer's units and the rows of the predicted modality; `listed`
    /// is their number, `[1]`.
    pub fn compare(
        &self,
        kernels: &Kernels,
        stream: &CudaStream,
        to: &Rows,
        listed: &CudaSlice<i32>,
        hidden: &mut HiddenUnits,
        psi: &mut CudaSlice<f32>,
    ) -> Result<(), CudaError> {
        let HiddenUnits { second, squares: Some(squares), .. } = hidden else {
            unreachable!("hidden units of a product have room for squares")
        };
        let triangle = Product { count: Some(listed), triangular: true, ..self.triangle.on(second, P) };
        triangle.squared_lengths(kernels, stream, squares)?;
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
}
