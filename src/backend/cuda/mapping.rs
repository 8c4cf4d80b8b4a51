//! Launches of `kernels/mapping.cu`, and a mapping's weights on the device.

mod cosine;
mod likelihood;
mod units;

use std::sync::Arc;

use cudarc::driver::{CudaSlice, CudaStream};

use super::error::CudaError;
use super::interpolate::Rows;
use super::launch::{Grid, Launch, int};
use super::layer::{Layer, with_zeros};
use super::module::Kernels;
use super::products::{Activation, Product};
use crate::backend::kernel_sizes::padded;
use crate::fold::likelihood::LikelihoodHeads;
use crate::fold::linear::Linear;
use crate::fold::mapping::{FoldedOutput, HiddenLayers};
use crate::model::{LinearWeights, Score, Tensors};
use crate::shapes::P;
use cosine::CosineHead;
use likelihood::LikelihoodHead;

pub use cosine::Observed;
pub use units::{Compared, HiddenUnits};

const HIDDEN_PIXELS: usize = 8;
const HIDDEN_THREADS: usize = 128;

/// A mapping `C_in - M - M - C_out` on the device, and what it computes from each frame's tokens and groups.
pub struct Mapping {
    /// The first layer without its bias, which is added after the interpolation, `[M]`.
    input: Layer,
    input_bias: CudaSlice<f32>,
    projection: Layer,
    head: Head,
    m: usize,
    pub predicted: Predicted,
}

/// What follows the second layer, as the score demands it.
enum Head {
    Cosine(Box<CosineHead>),
    Likelihood(LikelihoodHead),
}

/// The first layer, without its bias, of each token or group of the modality that is mapped, `[n, M]`.
pub struct Predicted {
    pub moved: CudaSlice<u16>,
    count: usize,
}

impl Mapping {
    /// Takes the layers of the mapping `name` out of `weights`. `hidden` is M; `counts` are the numbers of tokens or
    /// groups of the mapped and of the predicted modality.
    pub fn new(
        stream: &Arc<CudaStream>,
        name: &str,
        (hidden, c_out): (usize, usize),
        counts: (usize, usize),
        score: Score,
        weights: &mut Tensors,
    ) -> Result<Self, CudaError> {
        let HiddenLayers { input, projection } = HiddenLayers::new(name, weights);
        // Weights and biases of the hidden units that are added are zero, so they change nothing.
        let m = padded(hidden);
        let predicted = Predicted { moved: stream.alloc_zeros(counts.0 * m)?, count: counts.0 };
        let head = match score {
            Score::Product => {
                let output = FoldedOutput::new(name, [hidden, c_out], weights);
                Head::Cosine(Box::new(CosineHead::new(stream, output, hidden, counts.1)?))
            }
            Score::Likelihood => {
                let heads = LikelihoodHeads::new(name, c_out, weights);
                Head::Likelihood(LikelihoodHead::new(stream, heads, counts.1)?)
            }
        };
        let weight = |layer: &LinearWeights| layer.weight.to_f32().into_owned();
        let layer = |weight, bias| {
            let layer = Linear::new(weight, bias, hidden);
            Layer::new(stream, &layer, layer.from, m)
        };
        Ok(Self {
            input: layer(weight(&input), Vec::new())?,
            input_bias: stream.clone_htod(&with_zeros(&input.bias, m))?,
            projection: layer(weight(&projection), projection.bias)?,
            head,
            m,
            predicted,
        })
    }

    pub fn weight_bytes(&self) -> usize {
        let head = match &self.head {
            Head::Cosine(head) => head.weight_bytes(),
            Head::Likelihood(head) => head.weight_bytes(),
        };
        self.input_bias.num_bytes() + self.input.bytes() + self.projection.bytes() + head
    }

    /// The terms that networks compute by graphs.
    pub fn observed(&mut self) -> &mut Observed {
        match &mut self.head {
            Head::Cosine(head) => &mut head.observed,
            Head::Likelihood(_) => unreachable!("graphs of networks are refused where the score is a likelihood"),
        }
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

    /// Computes [`Observed`] from the tokens or groups of the predicted modality, halves `[n, C_out]`. A likelihood takes
    /// them as they are.
    pub fn observe(
        &mut self,
        kernels: &Kernels,
        stream: &CudaStream,
        tokens: &CudaSlice<u16>,
    ) -> Result<(), CudaError> {
        match &mut self.head {
            Head::Cosine(head) => head.observe(kernels, stream, tokens),
            Head::Likelihood(_) => Ok(()),
        }
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

    /// Computes psi of the listed pixels from the units of [`Self::first_units`] and what is observed; `listed` is their
    /// number, `[1]`.
    pub fn discrepancy(
        &self,
        kernels: &Kernels,
        stream: &CudaStream,
        to: Compared<'_>,
        listed: &CudaSlice<i32>,
        hidden: &mut HiddenUnits,
        psi: &mut CudaSlice<f32>,
    ) -> Result<(), CudaError> {
        let HiddenUnits { first, second, .. } = &mut *hidden;
        let projection = Product { count: Some(listed), ..self.projection.on(first, P) };
        projection.linear(kernels, stream, Activation::Gelu, second)?;
        match &self.head {
            Head::Cosine(head) => head.compare(kernels, stream, to.rows, listed, hidden, psi),
            Head::Likelihood(head) => head.compare(kernels, stream, to, listed, hidden, psi),
        }
    }
}
