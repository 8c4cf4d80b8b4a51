//! The tensors of one part of an engine, and the error when they are missing.

use crosscheck::model::checkpoint::{Checkpoint, CheckpointError, Part, select};
use crosscheck::model::{Architecture, PointMaeShape, TensorSpec, Variant, VitShape, seeded};

use super::writer::{dict, open, pickle, state_dict, tensor, text, zip_file};
use crate::support::small_engine::small_architecture;

pub fn small() -> Architecture {
    let small = small_architecture(4, 6, 5);
    let xyz = PointMaeShape { heads: 2, groups: 4, group_size: 2, encoder: [2, 3, 4], position_hidden: 2, ..small.xyz };
    Architecture { rgb: VitShape { heads: 2, ..small.rgb }, xyz, ..small }
}

pub fn specs(part: Part, architecture: &Architecture) -> Vec<TensorSpec> {
    let all = architecture.tensors().into_iter();
    all.filter(|spec| spec.name.starts_with(part.prefix())).collect()
}

/// A part's tensors as a weight file names them.
pub fn published(part: Part, wrapper: &str) -> Vec<(String, Vec<usize>, Vec<f32>)> {
    let named = |spec: &TensorSpec| format!("{wrapper}{}", &spec.name[part.prefix().len()..]);
    specs(part, &small()).iter().map(|spec| (named(spec), spec.shape.clone(), seeded::tensor(spec, 7))).collect()
}

/// A file of tensors that have shapes but, by strides of 0, only one number each.
fn hollow(part: Part, architecture: &Architecture) -> Checkpoint {
    let items = specs(part, architecture).into_iter().map(|spec| {
        let shape: Vec<i64> = spec.shape.iter().map(|n| *n as i64).collect();
        let hollow = tensor("FloatStorage", "0", 1, 0, &shape, &vec![0; shape.len()]);
        (text(&spec.name[part.prefix().len()..]), hollow)
    });
    open(&zip_file(&pickle(&dict(items)), &[("0", &[0; 4])])).unwrap()
}

#[test]
fn every_part_is_taken_whole() {
    for (part, wrapper) in [
        (Part::Rgb, "module.backbone."),
        (Part::Xyz, "module.MAE_encoder."),
        (Part::MapRgbToXyz, ""),
        (Part::MapXyzToRgb, ""),
    ] {
        let checkpoint = open(&state_dict(&published(part, wrapper))).unwrap();
        let selection = select(&checkpoint, part, &small(), None).unwrap();
        let expected = specs(part, &small()).iter().map(|s| (s.name.clone(), seeded::tensor(s, 7))).collect();
        assert_eq!(selection.weights, expected);
        assert!(selection.unknown.is_empty());
    }
}

#[test]
fn the_four_parts_are_the_whole_engine() {
    let all: usize = Part::ALL.iter().map(|part| specs(*part, &small()).len()).sum();
    assert_eq!(all, small().tensors().len());
}

#[test]
fn trailing_dimensions_of_one_are_nothing() {
    let mut tensors = published(Part::Xyz, "");
    for (name, shape, _) in &mut tensors {
        if name.contains("conv") && shape.len() == 3 {
            shape.pop();
        } else if name == "norm.weight" {
            shape.extend([1, 1]);
        }
    }
    assert!(select(&open(&state_dict(&tensors)).unwrap(), Part::Xyz, &small(), None).is_ok());
}

#[test]
fn tensors_without_use_are_silent_and_unknown_ones_are_named() {
    for (part, silent, unknown) in [
        (
            Part::Rgb,
            &["blocks.1.norm1.weight", "head.mlp.0.weight", "fc_norm.bias"][..],
            &["blocks.0.ls1.gamma", "reg_token"][..],
        ),
        (
            Part::Xyz,
            &[
                "blocks.blocks.1.norm1.weight",
                "encoder.first_conv.1.num_batches_tracked",
                "MAE_decoder.norm.weight",
                "mask_token",
                "decoder_pos_embed.0.weight",
                "increase_dim.0.weight",
                "cls_head_finetune.0.weight",
            ],
            &["blocks.blocks.0.attn.qkv.bias", "reduce_dim.weight"],
        ),
        (Part::MapRgbToXyz, &[], &["dropout.weight"]),
    ] {
        let mut tensors = published(part, "");
        tensors.extend(silent.iter().chain(unknown).map(|name| (name.to_string(), vec![1], vec![0.0])));
        let selection = select(&open(&state_dict(&tensors)).unwrap(), part, &small(), None).unwrap();
        assert_eq!(selection.unknown, unknown, "{part:?}");
    }
}

pub fn mismatch(checkpoint: &Checkpoint, part: Part, architecture: &Architecture) -> String {
    let error = select(checkpoint, part, architecture, None).unwrap_err();
    assert!(matches!(error, CheckpointError::Mismatch { .. }), "{error}");
    error.to_string()
}

#[test]
fn all_that_is_wrong_comes_at_once() {
    let mut tensors = published(Part::MapRgbToXyz, "");
    tensors.retain(|(name, ..)| name != "projection.bias");
    tensors.iter_mut().filter(|(name, ..)| name == "input.weight").for_each(|(_, shape, _)| shape.reverse());
    let message = mismatch(&open(&state_dict(&tensors)).unwrap(), Part::MapRgbToXyz, &small());
    assert!(message.contains("input.weight: expected [5, 4], found F32 [4, 5]"), "{message}");
    assert!(message.contains("projection.bias: expected [5], missing"), "{message}");
    assert_eq!(message.lines().count(), 3, "{message}");

    let integers = dict([(text("w"), tensor("LongStorage", "0", 1, 0, &[1], &[1]))]);
    let none = open(&zip_file(&pickle(&integers), &[("0", &[0; 8])])).unwrap();
    let message = mismatch(&none, Part::Rgb, &Architecture::published(Variant::Full, 32));
    assert!(message.contains("and 130 more"), "{message}");
    assert_eq!(message.lines().count(), 22, "{message}");
}

#[test]
fn another_part_or_variant_is_told() {
    let tell = |held: Part, of: Variant, wanted: Part, variant: Variant| {
        let checkpoint = hollow(held, &Architecture::published(of, 128));
        mismatch(&checkpoint, wanted, &Architecture::published(variant, 128))
    };
    use Part::{MapRgbToXyz, MapXyzToRgb, Rgb, Xyz};
    use Variant::{Full, Small, Tiny};
    let message = tell(Xyz, Full, Rgb, Small);
    assert!(message.ends_with("tensors of the shape Transformer (Point-MAE): was another file meant?"), "{message}");
    let message = tell(MapXyzToRgb, Small, MapRgbToXyz, Small);
    assert!(message.contains("tensors of the mapping from shape to colour"), "{message}");
    let message = tell(MapRgbToXyz, Tiny, MapRgbToXyz, Small);
    assert!(message.ends_with("sizes are those of the mapping from colour to shape, variant tiny"), "{message}");
    let message = tell(Rgb, Small, Rgb, Full);
    assert!(message.ends_with("variant tiny or small"), "{message}");
}

#[test]
fn weights_that_are_no_numbers_are_refused_by_name() {
    for value in [f32::NAN, f32::INFINITY] {
        let mut tensors = published(Part::Rgb, "");
        let (name, _, values) = &mut tensors[3];
        values[2] = value;
        let name = name.clone();
        let error = select(&open(&state_dict(&tensors)).unwrap(), Part::Rgb, &small(), None).unwrap_err().to_string();
        assert!(error.contains(&format!("tensor {name} has the value {value} at index 2")), "{error}");
    }
    // In a tensor that is not used it is no matter.
    let mut tensors = published(Part::Rgb, "");
    tensors.push(("head.weight".into(), vec![1], vec![f32::NAN]));
    assert!(select(&open(&state_dict(&tensors)).unwrap(), Part::Rgb, &small(), None).is_ok());
}
