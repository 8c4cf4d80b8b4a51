//! The colour network: DINO ViT-B/8 (section 4), cut after `layers` blocks.

use super::kernel::Kernel;
use super::layer::{Activation, Layer};
use super::transformer::{Block, BlockBuffers, BlockShape, Norm, layer};
use super::workers::Workers;
use crate::model::{Tensors, VitShape};
use crate::shapes::{H, P, PATCH, PATCH_VALUES, RGB, T, T_SIDE, W};

pub struct Vit {
    patch: Layer,
    class_token: Vec<f32>,
    positions: Vec<f32>,
    blocks: Vec<Block>,
    norm: Norm,
    width: usize,
    patches: Vec<f32>,
    x: Vec<f32>,
}

impl Vit {
    pub fn new(kernel: &'static Kernel, shape: &VitShape, weights: &mut Tensors) -> Self {
        let VitShape { width, heads, mlp, layers } = *shape;
        let sizes = BlockShape { width, mlp, heads, epsilon: VitShape::EPSILON };
        let mut block = |i| Block::new(kernel, weights, &format!("rgb.blocks.{i}"), &sizes);
        let blocks = (0..layers).map(&mut block).collect();
        Self {
            patch: layer(kernel, weights, "rgb.patch_embed.proj", width),
            class_token: weights.take_f32("rgb.cls_token"),
            positions: weights.take_f32("rgb.pos_embed"),
            blocks,
            norm: Norm::new(weights, "rgb.norm", VitShape::EPSILON),
            width,
            patches: Vec::new(),
            x: Vec::new(),
        }
    }

    /// rgb `[3, H, W]` -> tokens `[T, C_RGB]`, the class token dropped.
    pub fn run(&mut self, workers: &mut Workers, buffers: &mut BlockBuffers, rgb: &[f32], tokens: &mut Vec<f32>) {
        let c = self.width;
        cut_patches(rgb, &mut self.patches);
        self.x.clear();
        self.x.extend_from_slice(&self.class_token);
        self.x.resize((T + 1) * c, 0.0);
        let embedded = &mut self.x[c..];
        self.patch.run(workers, (&self.patches, PATCH_VALUES), T, (embedded, c), Activation::None);
        self.x.iter_mut().zip(&self.positions).for_each(|(x, p)| *x += p);
        for block in &self.blocks {
            block.run(workers, &mut self.x, buffers);
        }
        tokens.resize(T * c, 0.0);
        self.norm.run(workers, &self.x[c..], tokens);
    }
}

/// Cuts an image `[3, H, W]` into patches `[T, 3 x 8 x 8]`, in the order of a convolution's weight.
fn cut_patches(rgb: &[f32], patches: &mut Vec<f32>) {
    assert_eq!(rgb.len(), RGB * P, "the network image is [3, {H}, {W}]");
    patches.clear();
    patches.reserve(T * PATCH_VALUES);
    for token in 0..T {
        let (top, left) = (token / T_SIDE * PATCH, token % T_SIDE * PATCH);
        for channel in 0..RGB {
            for row in top..top + PATCH {
                let start = channel * P + row * W + left;
                patches.extend_from_slice(&rgb[start..start + PATCH]);
            }
        }
    }
}
