//! The group encoder of Point-MAE, a PointNet: 3-e0-BN-ReLU-e1, the maximum over the group put in front of each point's
//! own feature, e2-BN-ReLU-c, the maximum over the group.
//!
//! Both BatchNorms become part of their layers. The second layer has no non-linearity before the third, so the third
//! layer splits into a half on the maximum, computed once a group, and a half on each point's own feature, which merges
//! with the second layer.

use gemm::Parallelism;

use super::linear::{Linear, View, linear, product};
use crate::model::{PointMaeShape, Tensors};

/// The encoder's layers after folding, none of them with a BatchNorm.
pub struct FoldedEncoder {
    pub first: Linear,
    pub second: Linear,
    /// Third layer on the pooled feature, with every bias of the merged layers, `[e2, e1]`.
    pub pooled: Linear,
    /// Third layer on the local feature, merged with the second, without a bias, `[e2, e0]`.
    pub local: Linear,
    pub last: Linear,
}

impl FoldedEncoder {
    pub fn new(shape: &PointMaeShape, weights: &mut Tensors) -> Self {
        let [e0, e1, e2] = shape.encoder;
        let first = linear(weights, "xyz.encoder.first_conv.0", e0);
        let first = fold_batch_norm(first, weights, "xyz.encoder.first_conv.1");
        let second = linear(weights, "xyz.encoder.first_conv.3", e1);
        let third = linear(weights, "xyz.encoder.second_conv.0", e2);
        let third = fold_batch_norm(third, weights, "xyz.encoder.second_conv.1");
        let half = |from: usize| {
            third.weight.chunks_exact(2 * e1).flat_map(|row| row[from..from + e1].to_vec()).collect::<Vec<f32>>()
        };
        let (pooled_weight, local_weight) = (half(0), half(e1));
        let mut merged = vec![0.0; e2 * e0];
        let (a, b) = (View::dense(&local_weight, e2, e1), View::dense(&second.weight, e1, e0));
        product(a, b, 1.0, false, &mut merged, e0, Parallelism::None);
        let carried =
            local_weight.chunks_exact(e1).map(|row| row.iter().zip(&second.bias).map(|(w, b)| w * b).sum::<f32>());
        let bias = third.bias.iter().zip(carried).map(|(b, c)| b + c).collect();
        let last = linear(weights, "xyz.encoder.second_conv.3", shape.width);
        let (pooled, local) = (Linear::new(pooled_weight, bias, e2), Linear::new(merged, Vec::new(), e2));
        Self { first, second, pooled, local, last }
    }
}

/// Merges the BatchNorm `name` into the layer before it: with its running statistics it is an affine map.
fn fold_batch_norm(mut layer: Linear, weights: &mut Tensors, name: &str) -> Linear {
    let mut part = |leaf: &str| weights.take_f32(&format!("{name}.{leaf}"));
    let (weight, bias, mean, variance) = (part("weight"), part("bias"), part("running_mean"), part("running_var"));
    for i in 0..layer.to {
        let scale = weight[i] / (variance[i] + PointMaeShape::EPSILON).sqrt();
        layer.weight[i * layer.from..][..layer.from].iter_mut().for_each(|w| *w *= scale);
        layer.bias[i] = (layer.bias[i] - mean[i]) * scale + bias[i];
    }
    layer
}
