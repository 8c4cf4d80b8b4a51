//! The distance of a feature from its prediction in units of the variance that the mapping expects
//! ([`crate::model::Score::Likelihood`]). Predictions and variances exist for some channels at a time.

use std::ops::Range;
use std::sync::Arc;

use cudarc::driver::{CudaSlice, CudaStream};

use super::units::{Compared, HiddenUnits, PSI_WARPS};
use crate::backend::cuda::error::CudaError;
use crate::backend::cuda::launch::{Grid, Launch, int};
use crate::backend::cuda::layer::{Layer, with_zeros};
use crate::backend::cuda::module::Kernels;
use crate::backend::cuda::products::{Activation, Product};
use crate::backend::kernel_sizes::{head_panels, padded};
use crate::fold::likelihood::LikelihoodHeads;
use crate::fold::linear::Linear;
use crate::shapes::P;

/// A mapping's two last layers.
pub struct LikelihoodHead {
    /// Some channels each.
    panels: Vec<Panel>,
    /// What is added to each channel's predicted variance, `[C_out]`.
    floor: CudaSlice<f32>,
    /// Bounds of the predicted variance's logarithm.
    bounds: [f32; 2],
    /// 1 / C_out.
    scale: f32,
    /// The number of tokens or groups of the predicted modality.
    count: usize,
}

struct Panel {
    channels: Range<usize>,
    /// The means of the channels, then the logarithms of their variances.
    heads: Layer,
}

impl LikelihoodHead {
    /// `count` is the number of tokens or groups of the predicted modality.
    pub fn new(stream: &Arc<CudaStream>, heads: LikelihoodHeads, count: usize) -> Result<Self, CudaError> {
        let LikelihoodHeads { mean, log_variance, bounds, floor } = heads;
        let panel = |channels: Range<usize>| {
            let layer = paired([&mean, &log_variance], &channels);
            Ok(Panel { heads: Layer::new(stream, &layer, layer.from, layer.to)?, channels })
        };
        Ok(Self {
            panels: head_panels(mean.from, mean.to).map(panel).collect::<Result<_, CudaError>>()?,
            floor: stream.clone_htod(&with_zeros(&floor, padded(mean.to)))?,
            bounds,
            scale: 1.0 / mean.to as f32,
            count,
        })
    }

    pub fn weight_bytes(&self) -> usize {
        self.floor.num_bytes() + self.panels.iter().map(|panel| panel.heads.bytes()).sum::<usize>()
    }

    /// Computes psi of the listed pixels from the second layer's units and what is observed; `listed` is their number,
    /// `[1]`. The heads' outputs take the place of the first layer's units.
    pub fn compare(
        &self,
        kernels: &Kernels,
        stream: &CudaStream,
        to: Compared<'_>,
        listed: &CudaSlice<i32>,
        hidden: &mut HiddenUnits,
        psi: &mut CudaSlice<f32>,
    ) -> Result<(), CudaError> {
        let HiddenUnits { first: outputs, second, .. } = hidden;
        for panel in &self.panels {
            let product = Product { count: Some(listed), ..panel.heads.on(second, P) };
            product.linear(kernels, stream, Activation::Nothing, outputs)?;
            self.add(kernels, stream, to, (&panel.channels, outputs, listed), psi)?;
        }
        Ok(())
    }

    /// Adds these channels' part to psi; the first ones begin it.
    fn add(
        &self,
        kernels: &Kernels,
        stream: &CudaStream,
        Compared { features, rows }: Compared<'_>,
        (channels, outputs, listed): (&Range<usize>, &CudaSlice<u16>, &CudaSlice<i32>),
        psi: &mut CudaSlice<f32>,
    ) -> Result<(), CudaError> {
        let (width, all) = (channels.len(), self.floor.len());
        assert!(outputs.len() >= P * 2 * width && features.len() >= self.count * all && psi.len() == P);
        let (stride, sizes) = (int(rows.stride), [width, channels.start, all].map(int));
        let launch = Launch::new(stream, &kernels.likelihood).reads(outputs).reads(features).reads(&self.floor);
        let launch = launch.reads(&rows.index).reads(&rows.weight).reads_if(rows.lengths.as_ref());
        let launch = sizes.iter().fold(launch.value(&stride).reads(listed), Launch::value);
        let launch = self.bounds.iter().fold(launch, Launch::value).value(&self.scale).writes(psi);
        // SAFETY: the lengths are those checked above and those of `Rows`; the channels end at the floor's length, and
        // indices in rows are below `count`.
        unsafe { launch.run(Grid::over(P, PSI_WARPS, PSI_WARPS * 32)) }
    }
}

/// The rows of both layers for these channels, one layer after the other. Rows beyond their last are zeros.
fn paired(layers: [&Linear; 2], channels: &Range<usize>) -> Linear {
    let (mut weight, mut bias) = (Vec::new(), Vec::new());
    for (layer, end) in layers.into_iter().zip([channels.len(), 2 * channels.len()]) {
        let there = channels.start..channels.end.min(layer.to);
        weight.extend_from_slice(&layer.weight[there.start * layer.from..there.end * layer.from]);
        bias.extend_from_slice(&layer.bias[there]);
        weight.resize(end * layer.from, 0.0);
        bias.resize(end, 0.0);
    }
    Linear::new(weight, bias, 2 * channels.len())
}
