//! The layer of queries, keys and values with the scale of the scores in its queries.
//!
//! Before the scale, products of queries and keys may outgrow f16, and a scale of the weights costs nothing.

use super::linear::{Linear, linear};
use crate::model::Tensors;

/// Takes the layer `name` `[3 width, width]` out of `weights`. Its first `width` outputs, the queries, are divided by the
/// square root of a head's channels.
pub fn scaled_qkv(weights: &mut Tensors, name: &str, width: usize, heads: usize) -> Linear {
    let mut qkv = linear(weights, name, 3 * width);
    let scale = ((width / heads) as f32).sqrt().recip();
    qkv.weight[..width * width].iter_mut().for_each(|w| *w *= scale);
    qkv.bias.iter_mut().take(width).for_each(|b| *b *= scale);
    qkv
}
