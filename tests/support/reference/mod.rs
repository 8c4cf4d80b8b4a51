//! The literal twin: the paper's formulas in f64, one after the other, with none of the crate's rewrites.
//!
//! What decides an index (farthest points, nearest points, nearest centres) compares squared distances in f32 without
//! FMA and gives ties to the lowest index, because a tie broken otherwise is another result, not a rounding error.

pub mod anomaly;
pub mod grouping;
pub mod mapping;
pub mod pixels;
pub mod point_mae;
pub mod transformer;
pub mod vit;

use std::collections::BTreeMap;

use crosscheck::model::{self, Architecture};

/// The weights by name, row-major.
pub type Weights = BTreeMap<String, Vec<f32>>;

/// A matrix, row by row.
pub type Rows = Vec<Vec<f64>>;

/// Everything that the method computes of one frame.
pub struct Inference {
    /// `[T, C_RGB]`.
    pub tokens: Rows,
    pub groups: point_mae::Groups,
    pub maps: anomaly::Maps,
}

/// The weights of an engine, whatever type they are kept in.
pub fn named(weights: &model::Weights) -> Weights {
    weights.iter().map(|(name, tensor)| (name.to_owned(), tensor.to_f32().into_owned())).collect()
}

/// The paper from top to bottom. rgb `[3, H, W]`, normalised; cloud `[P]`, the origin where there is no point.
pub fn infer(architecture: &Architecture, weights: &model::Weights, rgb: &[f32], cloud: &[[f32; 3]]) -> Inference {
    let weights = &named(weights);
    let tokens = vit::tokens(&architecture.rgb, weights, rgb);
    let groups = point_mae::groups(&architecture.xyz, weights, cloud);
    let e_rgb = pixels::rgb_features(&tokens);
    let e_xyz = pixels::xyz_features(&groups.features, &groups.centres, cloud, architecture.c_xyz());
    let maps = anomaly::maps(weights, &e_rgb, &e_xyz);
    Inference { tokens, groups, maps }
}

/// f32 values as rows of `cols`.
pub fn rows(values: &[f32], cols: usize) -> Rows {
    values.chunks_exact(cols).map(|row| row.iter().map(|&v| f64::from(v)).collect()).collect()
}

/// A named weight.
pub fn weight(weights: &Weights, name: &str) -> Vec<f64> {
    weights[name].iter().map(|&v| f64::from(v)).collect()
}

/// y = W x + b for each row x; no b where the layer has none.
pub fn linear(weights: &Weights, name: &str, x: &Rows) -> Rows {
    let bias = weights.get(&format!("{name}.bias"));
    let weight = weight(weights, &format!("{name}.weight"));
    let layer = |x: &Vec<f64>| {
        let product = |row: &[f64]| row.iter().zip(x).map(|(w, x)| w * x).sum::<f64>();
        let mut y: Vec<f64> = weight.chunks_exact(x.len()).map(product).collect();
        if let Some(bias) = bias {
            y.iter_mut().zip(bias).for_each(|(y, &b)| *y += f64::from(b));
        }
        y
    };
    x.iter().map(layer).collect()
}

/// x Phi(x), with Phi by the error function.
pub fn gelu(mut x: Rows) -> Rows {
    x.iter_mut().flatten().for_each(|v| *v *= 0.5 * (1.0 + libm::erf(*v / 2.0f64.sqrt())));
    x
}

/// The maximum of each column.
pub fn column_maximum(x: &Rows) -> Vec<f64> {
    (0..x[0].len()).map(|c| x.iter().map(|row| row[c]).fold(f64::NEG_INFINITY, f64::max)).collect()
}
