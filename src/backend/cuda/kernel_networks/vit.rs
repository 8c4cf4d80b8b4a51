//! The colour network on the device: DINO ViT-B/8 (paper, section 4), cut after `layers` blocks.

use std::sync::Arc;

use cudarc::driver::{CudaSlice, CudaStream};

use super::transformer::{Block, Norm, Place, Rows, Sizes};
use crate::backend::cuda::error::CudaError;
use crate::backend::cuda::launch::{Grid, Launch};
use crate::backend::cuda::layer::Layer;
use crate::backend::cuda::module::Kernels;
use crate::fold::linear::{Linear, linear};
use crate::model::{Tensors, VitShape};
use crate::shapes::{P, PATCH, PATCH_VALUES, RGB, T};

const PATCH_THREADS: usize = 256;

pub struct Vit {
    /// The layer on patches, without its bias.
    patch: Layer,
    /// What the stream begins with beside the patches, f32 `[T + 1, C_RGB]`: class token, positions and the bias of the
    /// layer on patches.
    start: CudaSlice<f32>,
    blocks: Vec<Block>,
    norm: Norm,
    /// Halves `[T + 1, 3 PATCH PATCH]`; row 0, the class token's, is zero.
    patches: CudaSlice<u16>,
    rows: Rows,
    width: usize,
}

impl Vit {
    pub fn new(stream: &Arc<CudaStream>, shape: &VitShape, weights: &mut Tensors) -> Result<Self, CudaError> {
        let VitShape { width, heads, mlp, layers } = *shape;
        let sizes = Sizes { n: T + 1, width, heads, mlp, epsilon: VitShape::EPSILON };
        let Linear { weight, bias, .. } = linear(weights, "rgb.patch_embed.proj", width);
        let (class, mut start) = (weights.take_f32("rgb.cls_token"), weights.take_f32("rgb.pos_embed"));
        for (i, row) in start.chunks_exact_mut(width).enumerate() {
            let own = if i == 0 { &class } else { &bias };
            row.iter_mut().zip(own).for_each(|(position, own)| *position += own);
        }
        let mut block = |i| Block::new(stream, weights, &format!("rgb.blocks.{i}"), &sizes);
        let blocks = (0..layers).map(&mut block).collect::<Result<_, _>>()?;
        Ok(Self {
            patch: Layer::new(stream, &Linear::new(weight, Vec::new(), width), PATCH_VALUES, width)?,
            start: stream.clone_htod(&start)?,
            blocks,
            norm: Norm::new(stream, weights, "rgb.norm", VitShape::EPSILON)?,
            patches: stream.alloc_zeros((T + 1) * PATCH_VALUES)?,
            rows: Rows::new(stream, &sizes)?,
            width,
        })
    }

    pub fn weight_bytes(&self) -> usize {
        let blocks: usize = self.blocks.iter().map(Block::weight_bytes).sum();
        self.patch.bytes() + self.start.num_bytes() + blocks + self.norm.bytes()
    }

    /// image, halves `[3, H, W]` -> tokens, halves `[T, C_RGB]`, without the class token.
    pub fn run(
        &mut self,
        kernels: &Kernels,
        stream: &CudaStream,
        image: &CudaSlice<u16>,
        tokens: &mut CudaSlice<u16>,
    ) -> Result<(), CudaError> {
        let Self { patch, start, blocks, norm, patches, rows, width } = self;
        assert_eq!((image.len(), tokens.len()), (RGB * P, T * *width));
        let launch = Launch::new(stream, &kernels.patches).reads(image).writes(patches);
        // SAFETY: the image's length is checked above, and that of the patches is `Vit::new`'s.
        unsafe { launch.run(Grid::over(T * RGB * PATCH, PATCH_THREADS, PATCH_THREADS)) }?;
        patch.on(patches, T + 1).inner_products(kernels, stream, &mut rows.x)?;
        for (i, block) in blocks.iter().enumerate() {
            block.run(kernels, stream, rows, (i == 0).then_some(&*start))?;
        }
        let place = Place { skipped: 1, rows: T, stride: *width, column: 0 };
        norm.run(kernels, stream, (&mut rows.x, None), place, tokens)
    }
}
