//! The colour network: DINO ViT-B/8 (section 4), cut after `layers` blocks.

use gemm::Parallelism;

use super::linalg::Linear;
use super::transformer::{Block, Norm, Scratch, linear};
use crate::model::{VitShape, Weights, take};
use crate::shapes::{H, P, PATCH, RGB, T, T_SIDE, W};

/// LayerNorm's epsilon in timm's and DINO's ViT.
const EPSILON: f32 = 1e-6;

pub struct Vit {
    patch: Linear,
    class_token: Vec<f32>,
    positions: Vec<f32>,
    blocks: Vec<Block>,
    norm: Norm,
    width: usize,
    patches: Vec<f32>,
    embedded: Vec<f32>,
    x: Vec<f32>,
    scratch: Scratch,
}

impl Vit {
    pub fn new(shape: &VitShape, weights: &mut Weights) -> Self {
        let mut block =
            |i| Block::new(weights, &format!("rgb.blocks.{i}"), shape.width, shape.mlp, shape.heads, EPSILON);
        let blocks = (0..shape.layers).map(&mut block).collect();
        Self {
            patch: linear(weights, "rgb.patch_embed.proj", shape.width),
            class_token: take(weights, "rgb.cls_token"),
            positions: take(weights, "rgb.pos_embed"),
            blocks,
            norm: Norm::new(weights, "rgb.norm", EPSILON),
            width: shape.width,
            patches: Vec::new(),
            embedded: Vec::new(),
            x: Vec::new(),
            scratch: Scratch::default(),
        }
    }

    /// rgb `[3, H, W]` -> tokens `[T, C_RGB]`, the class token dropped.
    pub fn run(&mut self, rgb: &[f32], tokens: &mut Vec<f32>) {
        cut_patches(rgb, &mut self.patches);
        self.patch.run(&self.patches, &mut self.embedded, Parallelism::Rayon(0));
        self.x.clear();
        self.x.extend_from_slice(&self.class_token);
        self.x.extend_from_slice(&self.embedded);
        self.x.iter_mut().zip(&self.positions).for_each(|(x, p)| *x += p);
        for block in &self.blocks {
            block.run(&mut self.x, &mut self.scratch);
        }
        self.norm.run(&self.x[self.width..], tokens);
    }
}

/// `[3, H, W]` -> `[T, 3 x 8 x 8]`, the order of a convolution's weight.
fn cut_patches(rgb: &[f32], patches: &mut Vec<f32>) {
    assert_eq!(rgb.len(), RGB * P, "the network image is [3, {H}, {W}]");
    patches.clear();
    patches.reserve(T * RGB * PATCH * PATCH);
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
