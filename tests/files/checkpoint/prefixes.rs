//! A part of an engine is found under the one prefix under which all of it is, whatever a framework calls it.

use crosscheck::model::checkpoint::{CheckpointError, Part, Selection, select};
use crosscheck::model::seeded;

use super::selecting::{mismatch, published, small, specs};
use super::writer::{Tensor, dict, dicts, items, open, saved, state_dict};

fn taken(file: &[u8], part: Part, asked: Option<&str>) -> Result<Selection, CheckpointError> {
    select(&open(file).unwrap(), part, &small(), asked)
}

/// That the weights are `part`'s own, seeded with 7.
fn check(file: &[u8], part: Part, asked: Option<&str>) -> Selection {
    let selection = taken(file, part, asked).unwrap();
    let expected = specs(part, &small()).iter().map(|s| (s.name.clone(), seeded::tensor(s, 7))).collect();
    assert_eq!(selection.weights, expected);
    selection
}

/// Others in the same shapes, as of an average or a student.
fn other(part: Part, wrapper: &str) -> Vec<Tensor> {
    let mut tensors = published(part, wrapper);
    tensors.iter_mut().for_each(|(.., values)| values.iter_mut().for_each(|value| *value += 1.0));
    tensors
}

const WRAPPERS: [&str; 8] = [
    "",
    "_orig_mod.",
    "encoder_q.",
    "module._orig_mod.backbone.",
    "model_ema.module.",
    "model.feature_extractors.extractors.rgb_backbone.",
    "a.b.c.d.e.f.g.h.",
    "blocks.",
];

#[test]
fn any_one_prefix_is_found() {
    for wrapper in WRAPPERS {
        for part in Part::ALL {
            let tensors = published(part, wrapper);
            let selection = check(&state_dict(&tensors), part, None);
            assert!(selection.unknown.is_empty(), "{wrapper}: {:?}", selection.unknown);
            check(&dicts(&[("optimizer", &[]), ("ema", &tensors)]), part, None);
        }
    }
}

#[test]
fn other_networks_beside_it_do_not_matter() {
    let mut tensors = published(Part::Rgb, "model.rgb.");
    tensors.extend(published(Part::Xyz, "model.xyz."));
    tensors.extend(published(Part::MapRgbToXyz, "model.one."));
    tensors.extend(published(Part::MapXyzToRgb, "model.two."));
    tensors.push(("temperature".into(), vec![1], vec![0.0]));
    for part in Part::ALL {
        let selection = check(&state_dict(&tensors), part, None);
        assert!(selection.unknown.iter().any(|name| name == "temperature"), "{:?}", selection.unknown);
        let others = tensors.len() - 1 - specs(part, &small()).len();
        assert!(selection.unknown.contains(&format!("model.* ({others} tensors)")), "{:?}", selection.unknown);
    }
}

#[test]
fn a_network_that_is_there_twice_is_refused_and_can_be_chosen() {
    let part = Part::Rgb;
    for [one, two] in [["student.", "teacher."], ["", "ema."], ["encoder_q.", "encoder_k."], ["module.", ""]] {
        let file = state_dict(&[published(part, one), other(part, two)].concat());
        let message = taken(&file, part, None).unwrap_err().to_string();
        for part in [&format!("{one:?}"), &format!("{two:?}"), "--prefix rgb=PREFIX"] {
            assert!(message.contains(part), "{message}");
        }
        check(&file, part, Some(one));
        let chosen = taken(&file, part, Some(two)).unwrap();
        let values = &other(part, "")[0].2;
        assert_eq!(chosen.weights.get("rgb.cls_token"), Some(values));
    }
    let file = dicts(&[("model", &published(part, "module.")), ("model_ema", &other(part, "module."))]);
    let message = taken(&file, part, None).unwrap_err().to_string();
    assert!(message.contains(r#""model/module." and "model_ema/module.""#), "{message}");
    check(&file, part, Some("model/module."));
}

#[test]
fn dinos_teacher_is_taken_before_its_student_and_reported() {
    let (part, student) = (Part::Rgb, other(Part::Rgb, "module.backbone."));
    let file = dicts(&[("student", &student), ("teacher", &published(part, "backbone."))]);
    let selection = check(&file, part, None);
    assert!(selection.notes[0].contains("teacher/backbone."), "{:?}", selection.notes);
    let chosen = taken(&file, part, Some("student/module.backbone.")).unwrap();
    assert_eq!(chosen.weights["rgb.cls_token"], student[0].2);
}

#[test]
fn mixed_wrappers_are_loaded() {
    let part = Part::Xyz;
    let mut tensors = published(part, "");
    let wrappers = ["module.", "MAE_encoder.", "module.MAE_encoder.", "base_model.backbone."];
    tensors
        .iter_mut()
        .enumerate()
        .for_each(|(n, (name, ..))| *name = format!("{}{name}", wrappers[n % wrappers.len()]));
    assert!(check(&state_dict(&tensors), part, None).unknown.is_empty());
    check(&dicts(&[("base_model", &tensors)]), part, None);
    check(&dicts(&[("base_model", &tensors), ("ema", &other(part, ""))]), part, Some("base_model/"));
    // One of them twice is no answer.
    tensors.push(("module.base_model.norm.weight".into(), vec![6], vec![0.0; 6]));
    taken(&state_dict(&tensors), part, None).unwrap_err();
}

#[test]
fn a_prefix_with_a_wrong_or_missing_tensor_is_reported() {
    let part = Part::Rgb;
    let all = specs(part, &small()).len();
    let mut tensors = published(part, "encoder_q.");
    tensors.last_mut().unwrap().1 = vec![4, 1, 1, 2];
    tensors.last_mut().unwrap().2 = vec![0.0; 8];
    let name = tensors.last().unwrap().0.clone();
    tensors.extend(published(part, "encoder_k.").into_iter().take(3));
    let message = mismatch(&open(&state_dict(&tensors)).unwrap(), part, &small());
    assert!(message.contains(&format!("{name}: expected [4], found F32 [4, 1, 1, 2]")), "{message}");
    assert!(message.contains(&format!(r#"{} of {all} under "encoder_q.""#, all - 1)), "{message}");
    assert!(message.contains(&format!(r#"3 of {all} under "encoder_k.""#)), "{message}");
    // A whole one beside it is the answer, and the other is said.
    tensors.extend(published(part, "ema."));
    let selection = check(&state_dict(&tensors), part, None);
    assert!(selection.unknown.iter().any(|name| name.starts_with("encoder_q.*")), "{:?}", selection.unknown);
}

#[test]
fn a_prefix_that_is_not_there_is_reported() {
    let file = state_dict(&published(Part::Rgb, "encoder_q."));
    let message = taken(&file, Part::Rgb, Some("encoder_k.")).unwrap_err().to_string();
    assert!(message.contains("encoder_k.cls_token: expected [1, 1, 4], missing"), "{message}");
    assert!(message.contains(r#"under "encoder_q.""#), "{message}");
}

#[test]
fn equal_numbers_under_two_names_are_not_ambiguous() {
    let [one, two] = ["student.", "teacher."].map(|wrapper| items(&published(Part::Rgb, wrapper), ""));
    let file = saved(&dict(one.0.into_iter().chain(two.0)), &one.1);
    assert_eq!(open(&file).unwrap().tensors().len(), 2 * specs(Part::Rgb, &small()).len());
    check(&file, Part::Rgb, None);
}

/// A ViT as transformers names it, the three projections apart.
fn transformers(wrapper: &str) -> Vec<Tensor> {
    let renamed = [
        ("patch_embed.proj", "embeddings.patch_embeddings.projection"),
        ("pos_embed", "embeddings.position_embeddings"),
        ("cls_token", "embeddings.cls_token"),
        ("blocks.0.norm1", "encoder.layer.0.layernorm_before"),
        ("blocks.0.norm2", "encoder.layer.0.layernorm_after"),
        ("blocks.0.attn.proj", "encoder.layer.0.attention.output.dense"),
        ("blocks.0.mlp.fc1", "encoder.layer.0.intermediate.dense"),
        ("blocks.0.mlp.fc2", "encoder.layer.0.output.dense"),
        ("norm", "layernorm"),
    ];
    let mut tensors = Vec::new();
    for (name, mut shape, values) in published(Part::Rgb, "") {
        if let Some(leaf) = name.strip_prefix("blocks.0.attn.qkv.") {
            shape[0] /= 3;
            for (piece, values) in ["query", "key", "value"].iter().zip(values.chunks(values.len() / 3)) {
                let name = format!("{wrapper}encoder.layer.0.attention.attention.{piece}.{leaf}");
                tensors.push((name, shape.clone(), values.to_vec()));
            }
            continue;
        }
        let (own, theirs) = renamed.iter().find(|(own, _)| name.starts_with(own)).unwrap();
        tensors.push((name.replacen(own, &format!("{wrapper}{theirs}"), 1), shape, values));
    }
    tensors
}

#[test]
fn names_of_transformers_are_taken_exactly_and_reported() {
    for wrapper in ["vit.", "", "model.backbone.vit."] {
        let mut tensors = transformers(wrapper);
        tensors.push((format!("{wrapper}pooler.dense.weight"), vec![1], vec![0.0]));
        tensors.push((format!("{wrapper}encoder.layer.1.layernorm_before.weight"), vec![1], vec![0.0]));
        let selection = check(&state_dict(&tensors), Part::Rgb, None);
        assert!(selection.unknown.is_empty(), "{:?}", selection.unknown);
        assert!(selection.notes[0].contains("transformers"), "{:?}", selection.notes);
    }
    let mut tensors = transformers("vit.");
    tensors.retain(|(name, ..)| !name.ends_with("key.bias"));
    let message = mismatch(&open(&state_dict(&tensors)).unwrap(), Part::Rgb, &small());
    assert!(message.contains("vit.encoder.layer.0.attention.attention.key.bias: expected [4], missing"), "{message}");
}

#[test]
fn anomalibs_checkpoint_is_recognised_and_its_mappings_are_doubted() {
    let extractors = "model.feature_extractors.extractors.";
    let mut tensors = published(Part::Rgb, &format!("{extractors}rgb_backbone."));
    tensors.extend(published(Part::Xyz, &format!("{extractors}xyz_backbone.")));
    for (part, name) in [(Part::MapRgbToXyz, "rgb_to_xyz_mapper"), (Part::MapXyzToRgb, "xyz_to_rgb_mapper")] {
        let mut mapping = published(part, &format!("model.{name}."));
        // Its mappings are convolutions of one pixel.
        mapping.iter_mut().filter(|(name, ..)| name.ends_with("weight")).for_each(|(_, shape, _)| shape.extend([1, 1]));
        tensors.extend(mapping);
    }
    let file = dicts(&[("state_dict", &tensors)]);
    for part in [Part::Rgb, Part::Xyz] {
        let selection = check(&file, part, None);
        assert!(selection.doubts.is_empty() && selection.notes[0].contains("anomalib"), "{:?}", selection.notes);
    }
    for part in [Part::MapRgbToXyz, Part::MapXyzToRgb] {
        let [doubt] = &check(&file, part, None).doubts[..] else { panic!("one doubt") };
        assert!(doubt.contains("anomalib") && doubt.contains("prepares") && doubt.contains("scores differ"), "{doubt}");
    }
}

#[test]
fn an_engine_is_no_checkpoint() {
    let engine = concat!(env!("CARGO_MANIFEST_DIR"), "/engines/default.safetensors");
    let error = crosscheck::model::checkpoint::Checkpoint::open(engine.as_ref()).err().unwrap();
    assert!(matches!(error, CheckpointError::Engine { .. }), "{error}");
}
