//! Fifty full-batch Adam steps of both mappings against float64 (tests/golden/README.md, `training`).

use crosscheck::backend::cpu::training::TrainableMapping;
use crosscheck::backend::learner::Adam;
use crosscheck::model::{MappingWeights, Score, TensorSpec, seeded};

use crate::support::golden::Golden;

const SEED: u64 = 21;
const HIDDEN: usize = 32;
const C_RGB: usize = 24;
const C_XYZ: usize = 40;

fn mapping(name: &'static str, c_in: usize, c_out: usize) -> TrainableMapping {
    let layers = [("input", HIDDEN, c_in), ("projection", HIDDEN, HIDDEN), ("output", c_out, HIDDEN)];
    let specs = layers.into_iter().flat_map(|(layer, to, from)| {
        [("weight", vec![to, from]), ("bias", vec![to])]
            .map(|(leaf, shape)| TensorSpec { name: format!("{name}.{layer}.{leaf}"), shape })
    });
    let mut weights: MappingWeights = specs.map(|spec| (spec.name.clone(), seeded::tensor(&spec, SEED))).collect();
    TrainableMapping::new(name, [HIDDEN, c_out], Score::Product, &mut weights)
}

#[test]
fn losses_and_weights_of_fifty_steps() {
    let golden = Golden::open("training");
    let (all_rgb, all_xyz) = (golden.f32("e_rgb"), golden.f32("e_xyz"));
    let pixels = all_rgb.chunks(C_RGB).zip(all_xyz.chunks(C_XYZ)).filter(|(_, xyz)| xyz.iter().any(|v| *v != 0.0));
    let (rgb, xyz): (Vec<&[f32]>, Vec<&[f32]>) = pixels.unzip();
    let (rgb, xyz) = (rgb.concat(), xyz.concat());

    let mut to_xyz = mapping("map_rgb_to_xyz", C_RGB, C_XYZ);
    let mut to_rgb = mapping("map_xyz_to_rgb", C_XYZ, C_RGB);
    let mut adam = Adam::default();
    for (step, want) in golden.f64("loss_rgb_xyz").chunks(2).enumerate() {
        adam.advance();
        let got = [to_rgb.step(&xyz, &rgb, &adam), to_xyz.step(&rgb, &xyz, &adam)];
        for (got, want) in got.iter().zip(want) {
            assert!((got - want).abs() <= 1e-5, "step {step}: loss {got} where {want} is expected");
        }
    }
    let mut weights = to_xyz.weights();
    weights.extend(to_rgb.weights());
    assert_eq!(weights.len(), 12);
    for (name, got) in weights {
        for (got, want) in got.iter().zip(golden.f32(&format!("after50.{name}"))) {
            assert!((got - want).abs() <= 1e-4, "{name}: {got} where {want} is expected");
        }
    }
}
