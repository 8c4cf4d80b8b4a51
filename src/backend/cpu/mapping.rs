//! A crossmodal mapping (section 3.2) and how far observed features are from what it predicts.

mod combine;
mod cosine;
mod hidden;
mod likelihood;
mod side;

use super::workers::{Scratch, Workers};
use crate::fold::likelihood::LikelihoodHeads;
use crate::fold::mapping::{FoldedOutput, HiddenLayers};
use crate::model::{Score, Tensors};
use cosine::{CosineBuffers, CosineHead};
use hidden::HiddenUnits;
use likelihood::LikelihoodHead;

pub use side::{Kernels, Side};

/// Bytes of hidden units that a task takes through a layer: twice as many fit the second-level cache.
const TASK_BYTES: usize = 200 << 10;

/// `C_in - M - M - C_out` with erf GELU after the first two.
pub struct Mapping {
    hidden: HiddenUnits,
    head: Head,
    /// Number of pixels in a task.
    task_pixels: usize,
}

enum Head {
    Cosine(CosineHead),
    Likelihood(LikelihoodHead),
}

/// Results that are computed once per frame from all tokens and groups, in buffers that both mappings share.
#[derive(Default)]
pub struct MappingBuffers {
    /// First layer, applied before interpolation, `[n_from, M]`.
    moved: Vec<f32>,
    cosine: CosineBuffers,
}

impl Mapping {
    /// `sizes`: M and C_out.
    pub fn new(kernels: Kernels, name: &str, [m, c_out]: [usize; 2], score: Score, weights: &mut Tensors) -> Self {
        let hidden = HiddenUnits::new(kernels, HiddenLayers::new(name, weights), m);
        let head = match score {
            Score::Product => Head::Cosine(CosineHead::new(kernels, FoldedOutput::new(name, [m, c_out], weights), m)),
            Score::Likelihood => {
                Head::Likelihood(LikelihoodHead::new(kernels, LikelihoodHeads::new(name, c_out, weights)))
            }
        };
        let task_pixels = hidden.whole_rows(TASK_BYTES / (4 * m));
        Self { hidden, head, task_pixels }
    }

    /// psi at each of `pixels`: the distance of M(observed `from`) and observed `to`, as the score defines it.
    pub fn discrepancy(
        &self,
        workers: &mut Workers,
        buffers: &mut MappingBuffers,
        from: &Side,
        to: &Side,
        pixels: &[u32],
        psi: &mut [f32],
    ) {
        let MappingBuffers { moved, cosine } = buffers;
        self.hidden.begin(workers, from, moved);
        if let Head::Cosine(head) = &self.head {
            head.begin(workers, to, cosine);
        }
        let (moved, cosine) = (&*moved, &*cosine);
        workers.each_chunk(psi, self.task_pixels, |scratch: &mut Scratch, task, psi| {
            let pixels = &pixels[task * self.task_pixels..][..psi.len()];
            let Scratch { mapping, product, .. } = scratch;
            self.hidden.compute((from.rows, moved), pixels, mapping, product);
            match &self.head {
                Head::Cosine(head) => head.compare(cosine, to, pixels, (mapping, product), psi),
                Head::Likelihood(head) => head.compare(to, pixels, (mapping, product), psi),
            }
        });
    }
}
