//! The shape network, Point-MAE (section 4).

use crosscheck::model::PointMaeShape;

use super::grouping::{farthest_points, nearest};
use super::transformer::{block, layer_norm, sum};
use super::{Rows, Weights, column_maximum, gelu, linear, weight};

/// PyTorch's default, of LayerNorm and of BatchNorm.
const EPSILON: f64 = 1e-5;

pub struct Groups {
    /// `[G, C_XYZ]`.
    pub features: Rows,
    pub centres: Vec<[f32; 3]>,
    /// Among the valid points, row-major.
    pub centre_index: Vec<usize>,
}

/// cloud `[P]` -> `[G, C_XYZ]`; no group where there is no point.
pub fn groups(shape: &PointMaeShape, weights: &Weights, cloud: &[[f32; 3]]) -> Groups {
    let points: Vec<[f32; 3]> = cloud.iter().copied().filter(|p| *p != [0.0; 3]).collect();
    if points.is_empty() {
        return Groups { features: Vec::new(), centres: Vec::new(), centre_index: Vec::new() };
    }
    let centre_index = farthest_points(&points, shape.groups);
    let centres: Vec<[f32; 3]> = centre_index.iter().map(|&i| points[i]).collect();
    let group = |&centre: &[f32; 3]| encode(weights, &offsets(&points, centre, shape.group_size));
    let mut x: Rows = centres.iter().map(group).collect();
    let coordinates = centres.iter().map(|c| c.map(f64::from).to_vec()).collect();
    let positions = linear(weights, "xyz.pos_embed.2", &gelu(linear(weights, "xyz.pos_embed.0", &coordinates)));
    let mut features = vec![Vec::new(); centres.len()];
    for i in 0..shape.layers {
        x = block(weights, &format!("xyz.blocks.blocks.{i}"), shape.heads, EPSILON, &sum(&x, &positions));
        if shape.taps.contains(&i) {
            let tapped = layer_norm(weights, "xyz.norm", EPSILON, &x);
            features.iter_mut().zip(tapped).for_each(|(feature, tapped)| feature.extend(tapped));
        }
    }
    Groups { features, centres, centre_index }
}

/// The points of a group, minus its centre.
fn offsets(points: &[[f32; 3]], centre: [f32; 3], group_size: usize) -> Rows {
    let offset = |i: usize| (0..3).map(|axis| f64::from(points[i][axis]) - f64::from(centre[axis])).collect();
    nearest(points, centre, group_size).into_iter().map(offset).collect()
}

/// PointNet: 3-e0-BN-ReLU-e1, its maximum in front of each point, e2-BN-ReLU-c, maximum.
fn encode(weights: &Weights, offsets: &Rows) -> Vec<f64> {
    let x = linear(weights, "xyz.encoder.first_conv.0", offsets);
    let x = relu(batch_norm(weights, "xyz.encoder.first_conv.1", x));
    let local = linear(weights, "xyz.encoder.first_conv.3", &x);
    let global = column_maximum(&local);
    let joined = local.iter().map(|local| [global.as_slice(), local].concat()).collect();
    let x = linear(weights, "xyz.encoder.second_conv.0", &joined);
    let x = relu(batch_norm(weights, "xyz.encoder.second_conv.1", x));
    column_maximum(&linear(weights, "xyz.encoder.second_conv.3", &x))
}

fn batch_norm(weights: &Weights, name: &str, mut x: Rows) -> Rows {
    let [mean, variance, scale, shift] =
        ["running_mean", "running_var", "weight", "bias"].map(|leaf| weight(weights, &format!("{name}.{leaf}")));
    for row in &mut x {
        for (c, v) in row.iter_mut().enumerate() {
            *v = (*v - mean[c]) / (variance[c] + EPSILON).sqrt() * scale[c] + shift[c];
        }
    }
    x
}

fn relu(mut x: Rows) -> Rows {
    x.iter_mut().flatten().for_each(|v| *v = v.max(0.0));
    x
}
