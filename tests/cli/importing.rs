//! `import`: engines made from weight files, with mappings and without.

use crosscheck::model::engine_file::{Engine, Source};
use crosscheck::model::{Architecture, Variant, seeded};
use safetensors::Dtype;
use safetensors::tensor::{TensorView, serialize};

use crate::program::Desk;

/// Name, shape and bytes.
type Tensor = (String, Vec<usize>, Vec<u8>);

/// The four files of a tiny engine, as safetensors, the names of each under a prefix.
fn files(desk: &Desk, prefix: &str) {
    let architecture = Architecture::published(Variant::Tiny, 128);
    let mut parts: Vec<(&str, Vec<Tensor>)> =
        ["rgb", "xyz", "map_rgb_to_xyz", "map_xyz_to_rgb"].map(|part| (part, Vec::new())).into();
    for spec in architecture.tensors() {
        let (part, name) = spec.name.split_once('.').unwrap();
        let bytes = seeded::tensor(&spec, 7).iter().flat_map(|value| value.to_le_bytes()).collect();
        let (_, tensors) = parts.iter_mut().find(|(known, _)| *known == part).unwrap();
        tensors.push((format!("{prefix}{name}"), spec.shape, bytes));
    }
    for (part, tensors) in &parts {
        let views = tensors
            .iter()
            .map(|(name, shape, bytes)| (name.as_str(), TensorView::new(Dtype::F32, shape.clone(), bytes).unwrap()));
        desk.write(part, serialize(views, None).unwrap());
    }
}

const NETWORKS: &str = "import --variant tiny --rgb rgb --xyz xyz --output new";
const MAPPINGS: &str = "--mapping-rgb-to-xyz map_rgb_to_xyz --mapping-xyz-to-rgb map_xyz_to_rgb";

#[test]
fn imported_mappings_carry_what_the_user_stated_of_them() {
    let desk = Desk::new();
    files(&desk, "encoder_q.");
    desk.refused_with(&format!("{NETWORKS} {MAPPINGS}"), &["--group-size is needed with mappings", "32 or 128", "128"]);
    let run = desk.done(&format!("{NETWORKS} {MAPPINGS} --group-size 128"));
    for words in
        ["do not tell", "variant tiny", "groups of 128 points", "prepared in the usual way", "metres", "standardised"]
    {
        assert!(run.err.contains(words), "{words}: {}", run.err);
    }
    let engine = Engine::read(&desk.path("new")).unwrap();
    assert_eq!(engine.metadata.architecture.xyz.group_size, 128);
    assert_eq!(engine.weights.get("map_xyz_to_rgb.input.bias").unwrap().values().count(), (768 + 384) / 2);
    let [.., Source::Stated(stated)] = &engine.metadata.provenance[..] else { panic!("nothing stated") };
    assert!(stated.contains(&"groups of 128 points".to_owned()), "{stated:?}");
    // Of another scene: that is said.
    desk.write("scene.toml", "[scene]\n");
    let run = desk.done(&format!("{NETWORKS} {MAPPINGS} --group-size 32 --scene scene.toml"));
    assert!(run.err.contains("groups of 32 points, frames prepared in the scene given"), "{}", run.err);
    // Without mappings nothing has to be said, and nothing is written that was not before.
    let run = desk.done(NETWORKS);
    assert!(!run.err.contains("do not tell"), "{}", run.err);
    let engine = Engine::read(&desk.path("new")).unwrap();
    assert_eq!((engine.metadata.architecture.xyz.group_size, engine.metadata.provenance.len()), (32, 2));
}

#[test]
fn a_prefix_is_found_or_given() {
    let desk = Desk::new();
    files(&desk, "encoder_q.");
    desk.done(&format!("{NETWORKS} --prefix rgb=encoder_q."));
    for (options, words) in [
        ("--prefix rgb=ema.", "under \"encoder_q.\""),
        ("--prefix rgb", "expected NETWORK=PREFIX"),
        ("--prefix colour=a.", "one of rgb, xyz"),
        ("--prefix rgb=a. --prefix rgb=b.", "give it once"),
        ("--prefix map_rgb_to_xyz=a.", "without a file of the mapping"),
    ] {
        desk.refused_with(&NETWORKS.replace("--output new", &format!("{options} --output other")), &[words]);
    }
}
