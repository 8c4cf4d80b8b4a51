//! The colour network, DINO ViT-B/8 (section 4).

use crosscheck::model::VitShape;
use crosscheck::shapes::{P, PATCH, RGB, T, T_SIDE, W};

use super::transformer::{block, layer_norm, sum};
use super::{Rows, Weights, linear, rows, weight};

/// timm's and DINO's ViT.
const EPSILON: f64 = 1e-6;

/// rgb `[3, H, W]` -> `[T, C_RGB]`.
pub fn tokens(shape: &VitShape, weights: &Weights, rgb: &[f32]) -> Rows {
    let patch = |token: usize| -> Vec<f64> {
        let at = |c: usize, y: usize, x: usize| {
            f64::from(rgb[c * P + (token / T_SIDE * PATCH + y) * W + token % T_SIDE * PATCH + x])
        };
        let pixels = (0..RGB).flat_map(|c| (0..PATCH).flat_map(move |y| (0..PATCH).map(move |x| (c, y, x))));
        pixels.map(|(c, y, x)| at(c, y, x)).collect()
    };
    let mut x = vec![weight(weights, "rgb.cls_token")];
    x.extend(linear(weights, "rgb.patch_embed.proj", &(0..T).map(patch).collect()));
    x = sum(&x, &rows(&weights["rgb.pos_embed"], shape.width));
    for i in 0..shape.layers {
        x = block(weights, &format!("rgb.blocks.{i}"), shape.heads, EPSILON, &x);
    }
    layer_norm(weights, "rgb.norm", EPSILON, &x).split_off(1)
}
