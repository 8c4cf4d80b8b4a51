//! Coordinates in measures of the part, folded into the weights that take them: inference does nothing more.
//!
//! Group offsets of a few millimetres are far below the biases beside them, so networks that take metres
//! hardly see shape. The default engine is trained on offsets in group radii and on centres in spreads.

use half::f16;

use crate::backend::cpu::grouping::{farthest_points, nearest_points};
use crate::frame::is_point;
use crate::model::engine_file::{Engine, Geometry, Measures, Precision};
use crate::model::{PointMaeShape, Weights};
use crate::prepare::NetworkInput;
use crate::shapes::XYZ;

/// Takes offsets, `[e0, 3]`.
const OFFSETS: &str = "xyz.encoder.first_conv.0.weight";
/// Takes centres, `[position_hidden, 3]`, with its bias.
const CENTRES: [&str; 2] = ["xyz.pos_embed.0.weight", "xyz.pos_embed.0.bias"];

impl Measures {
    /// Over the groups of all `inputs`, each of at least one point.
    pub fn of(inputs: &[NetworkInput], shape: &PointMaeShape) -> Self {
        let (mut radii, mut centres) = (Vec::new(), Vec::new());
        for input in inputs {
            let points: Vec<[f32; 3]> = input.cloud.iter().copied().filter(is_point).collect();
            let chosen: Vec<[f32; 3]> =
                farthest_points(&points, shape.groups).into_iter().map(|i| points[i]).collect();
            let neighbours = nearest_points(&points, &chosen, shape.group_size);
            let last = neighbours.chunks_exact(shape.group_size).map(|group| points[group[shape.group_size - 1]]);
            radii.extend(chosen.iter().zip(last).map(|(centre, point)| distance(*centre, point)));
            centres.extend(chosen);
        }
        let mean = |of: &dyn Fn(&[f32; 3]) -> f64| centres.iter().map(of).sum::<f64>() / centres.len() as f64;
        let centre_m = [0, 1, 2].map(|axis| mean(&|c| f64::from(c[axis])) as f32);
        let spread_m = mean(&|c| f64::from(distance(*c, centre_m)).powi(2)).sqrt() as f32;
        radii.sort_unstable_by(f32::total_cmp);
        // A part of a single repeated point has no measures, and keeps metres.
        let or_metre = |length: f32| if length > 0.0 { length } else { 1.0 };
        Self { radius_m: or_metre(radii[radii.len() / 2]), centre_m, spread_m: or_metre(spread_m) }
    }
}

/// From weights that take measures of the part, or that were folded for another part, to weights that take
/// metres of this part.
pub fn fold(engine: &mut Engine, measures: Measures) {
    let Engine { metadata, weights, .. } = engine;
    if let Geometry::Folded(before) = metadata.geometry {
        shift(weights, before.centre_m.map(|c| -c));
        scale(weights, before.radius_m, before.spread_m);
    }
    scale(weights, 1.0 / measures.radius_m, 1.0 / measures.spread_m);
    if metadata.precision == Precision::F16 {
        // The shift below is exact only for the weights that will be stored: a camera is many spreads away.
        tensor(weights, CENTRES[0]).iter_mut().for_each(|w| *w = f16::from_f32(*w).to_f32());
    }
    shift(weights, measures.centre_m);
    metadata.geometry = Geometry::Folded(measures);
}

fn scale(weights: &mut Weights, offsets: f32, centres: f32) {
    tensor(weights, OFFSETS).iter_mut().for_each(|w| *w *= offsets);
    tensor(weights, CENTRES[0]).iter_mut().for_each(|w| *w *= centres);
}

/// Subtracts `centre` from what the position network takes.
fn shift(weights: &mut Weights, centre: [f32; 3]) {
    let rows = tensor(weights, CENTRES[0]).clone();
    let along = |row: &[f32]| row.iter().zip(centre).map(|(w, c)| f64::from(*w) * f64::from(c)).sum::<f64>();
    let biases = tensor(weights, CENTRES[1]).iter_mut();
    biases.zip(rows.chunks_exact(XYZ)).for_each(|(bias, row)| *bias = (f64::from(*bias) - along(row)) as f32);
}

fn tensor<'a>(weights: &'a mut Weights, name: &str) -> &'a mut Vec<f32> {
    weights.get_mut(name).unwrap_or_else(|| panic!("the engine has no tensor {name}"))
}

fn distance(a: [f32; 3], b: [f32; 3]) -> f32 {
    [0, 1, 2].map(|i| (a[i] - b[i]).powi(2)).iter().sum::<f32>().sqrt()
}
