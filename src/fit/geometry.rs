//! Coordinates in measures of the part, folded into the weights that take them: inference does nothing more.
//!
//! Group offsets of a few millimetres are far below the biases beside them, so networks that take metres
//! hardly see shape. The default engine is trained on offsets in group radii and on centres in spreads.

use crate::frame::is_point;
use crate::model::engine_file::{Engine, Geometry, Measures, Storage};
use crate::model::{PointMaeShape, Weights};
use crate::prepare::NetworkInput;
use crate::shapes::XYZ;
use crate::spatial::grouping::{Grouping, NearestScratch};

/// Takes offsets, `[e0, 3]`.
const OFFSETS: &str = "xyz.encoder.first_conv.0.weight";
/// Takes centres, `[position_hidden, 3]`, with its bias.
const CENTRES: [&str; 2] = ["xyz.pos_embed.0.weight", "xyz.pos_embed.0.bias"];

impl Measures {
    /// Over the groups of all `inputs`, each of at least one point.
    pub fn of<'a>(inputs: impl IntoIterator<Item = &'a NetworkInput>, shape: &PointMaeShape) -> Self {
        let mut radii = Vec::new();
        let mut centres = Vec::new();
        let mut grouping = Grouping::default();
        let mut scratch = NearestScratch::default();
        let mut chosen = Vec::new();
        let mut group = vec![0; shape.group_size];
        for input in inputs {
            let points: Vec<[f32; 3]> = input.cloud.iter().copied().filter(is_point).collect();
            grouping.sample(&points, shape.groups, &mut chosen);
            for &centre in &chosen {
                let centre = points[centre];
                grouping.nearest(centre, &mut scratch, &mut group);
                radii.push(distance(centre, points[group[shape.group_size - 1] as usize]));
                centres.push(centre);
            }
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
    if metadata.precision == Storage::F16 {
        // The shift below is exact only for the weights that will be stored: a camera is many spreads away.
        let rows = weights.tensor_mut(CENTRES[0]);
        *rows = rows.clone().into_f16();
    }
    shift(weights, measures.centre_m);
    metadata.geometry = Geometry::Folded(measures);
}

fn scale(weights: &mut Weights, offsets: f32, centres: f32) {
    for (name, by) in [(OFFSETS, offsets), (CENTRES[0], centres)] {
        for weight in weights.tensor_mut(name).f32_mut() {
            *weight *= by;
        }
    }
}

/// Subtracts `centre` from what the position network takes.
fn shift(weights: &mut Weights, centre: [f32; 3]) {
    let rows = weights.tensor_mut(CENTRES[0]).to_f32().into_owned();
    let along = |row: &[f32]| row.iter().zip(centre).map(|(w, c)| f64::from(*w) * f64::from(c)).sum::<f64>();
    for (bias, row) in weights.tensor_mut(CENTRES[1]).f32_mut().iter_mut().zip(rows.chunks_exact(XYZ)) {
        *bias = (f64::from(*bias) - along(row)) as f32;
    }
}

fn distance(a: [f32; 3], b: [f32; 3]) -> f32 {
    [0, 1, 2].map(|i| (a[i] - b[i]).powi(2)).iter().sum::<f32>().sqrt()
}

#[cfg(test)]
mod tests {
    use half::f16;

    use super::*;
    use crate::backend::Arithmetic;
    use crate::backend::XyzGroups;
    use crate::backend::cpu::kernel::Kernel;
    use crate::backend::cpu::point_mae::PointMae;
    use crate::backend::cpu::transformer::BlockBuffers;
    use crate::backend::cpu::workers::Workers;
    use crate::model::engine_file::Metadata;
    use crate::model::{Architecture, Score, Variant, VitShape, seeded};
    use crate::prepare::Preparation;
    use crate::shapes::P;

    const MEASURES: Measures = Measures { radius_m: 0.02, centre_m: [0.01, -0.03, 0.45], spread_m: 0.02 };

    fn relative(precision: Storage) -> Engine {
        let rgb = VitShape { width: 8, heads: 2, mlp: 8, layers: 1 };
        let xyz = PointMaeShape {
            width: 24,
            heads: 2,
            mlp: 24,
            layers: 1,
            taps: vec![0],
            groups: 40,
            group_size: 8,
            encoder: [8, 16, 16],
            position_hidden: 16,
        };
        let architecture = Architecture { rgb, xyz, hidden: 8, score: Score::Product };
        let weights = seeded::weights(&architecture, 3);
        let metadata = Metadata {
            variant: Variant::Default,
            architecture,
            precision,
            preparation: Preparation::default(),
            standardise: true,
            geometry: Geometry::Relative,
            usual: None,
            gaps: None,
            balance: None,
            calibration: None,
            fitted_on: Vec::new(),
            provenance: Vec::new(),
        };
        Engine { metadata, weights, content_sha256: String::new() }
    }

    fn values(engine: &Engine, name: &str) -> Vec<f32> {
        engine.weights.get(name).unwrap().clone().into_f32()
    }

    fn points(random: &mut fastrand::Rng) -> Vec<[f32; 3]> {
        let mut point = || [0, 1, 2].map(|axis| MEASURES.centre_m[axis] + 0.03 * (random.f32() - 0.5));
        (0..300).map(|_| point()).collect()
    }

    fn features(engine: &Engine, points: &[[f32; 3]]) -> XyzGroups {
        let (mut groups, kernel) = (XyzGroups::default(), Kernel::best(Arithmetic::F32));
        let mut network =
            PointMae::new(kernel, &engine.metadata.architecture.xyz, &mut engine.weights.clone().into_tensors());
        network.run(&mut Workers::new(1), &mut BlockBuffers::default(), points, &mut groups);
        groups
    }

    fn largest_difference(a: &[f32], b: &[f32]) -> f32 {
        assert_eq!(a.len(), b.len());
        let keep = |most: f32, next: f32| if most.is_nan() || next <= most { most } else { next };
        a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, keep)
    }

    #[test]
    fn folded_weights_on_metres_are_relative_weights_on_measures() {
        let metres = points(&mut fastrand::Rng::with_seed(5));
        let measured: Vec<[f32; 3]> =
            metres.iter().map(|p| [0, 1, 2].map(|i| (p[i] - MEASURES.centre_m[i]) / MEASURES.spread_m)).collect();
        let mut engine = relative(Storage::F32);
        let expected = features(&engine, &measured);
        let unfolded = features(&engine, &metres);
        fold(&mut engine, MEASURES);
        let got = features(&engine, &metres);
        assert_eq!(got.centre_index, expected.centre_index);
        assert!(largest_difference(&got.features, &expected.features) < 1e-4);
        assert!(largest_difference(&unfolded.features, &expected.features) > 0.1);
        assert_eq!(engine.metadata.geometry, Geometry::Folded(MEASURES));
    }

    #[test]
    fn another_part_replaces_the_measures() {
        let (mut once, mut twice) = (relative(Storage::F32), relative(Storage::F32));
        let other = Measures { radius_m: 0.003, centre_m: [0.2, 0.1, 0.6], spread_m: 0.05 };
        fold(&mut twice, other);
        fold(&mut twice, MEASURES);
        fold(&mut once, MEASURES);
        for name in [OFFSETS, CENTRES[0], CENTRES[1]] {
            let [once, twice] = [&once, &twice].map(|engine| values(engine, name));
            let scale = once.iter().fold(0.0f32, |m, v| m.max(v.abs()));
            let difference = largest_difference(&once, &twice);
            assert!(difference < 1e-5 * scale, "{name}: {difference} of {scale}");
        }
    }

    #[test]
    fn storing_as_f16_moves_no_centre() {
        let mut engine = relative(Storage::F16);
        fold(&mut engine, MEASURES);
        let [rows, biases] = CENTRES.map(|name| values(&engine, name));
        let start = values(&relative(Storage::F16), CENTRES[1]);
        for ((row, bias), start) in rows.chunks_exact(XYZ).zip(biases).zip(start) {
            assert!(row.iter().all(|w| f16::from_f32(*w).to_f32() == *w));
            let at_centre = bias + row.iter().zip(MEASURES.centre_m).map(|(w, c)| w * c).sum::<f32>();
            assert!((at_centre - start).abs() < 1e-5, "{at_centre} {start}");
        }
    }

    #[test]
    fn measures_follow_the_part() {
        let shape = relative(Storage::F32).metadata.architecture.xyz;
        let input = |scale: f32, shift: f32| {
            let mut cloud = vec![[0.0; 3]; P];
            for (slot, point) in cloud.iter_mut().step_by(7).zip(points(&mut fastrand::Rng::with_seed(5))) {
                *slot = point.map(|v| scale * v + shift);
            }
            NetworkInput { cloud, ..NetworkInput::default() }
        };
        let one = Measures::of(&[input(1.0, 0.0)], &shape);
        let two = Measures::of(&[input(2.0, 0.1)], &shape);
        // A cube's corner is 0.03 * sqrt(3) / 2 from its middle; eight of 300 points fill a ball of 5.5 mm or more.
        assert!((0.005..0.012).contains(&one.radius_m) && (0.012..0.026).contains(&one.spread_m), "{one:?}");
        assert!((two.radius_m / one.radius_m - 2.0).abs() < 1e-3 && (two.spread_m / one.spread_m - 2.0).abs() < 1e-3);
        for axis in 0..3 {
            assert!((two.centre_m[axis] - 2.0 * one.centre_m[axis] - 0.1).abs() < 1e-5);
        }
        let none = NetworkInput { cloud: vec![[0.1; 3]; P], ..NetworkInput::default() };
        let single = Measures::of(&[none], &shape);
        assert_eq!((single.radius_m, single.spread_m), (1.0, 1.0));
    }
}
