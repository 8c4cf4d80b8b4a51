use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Result, bail, ensure};
use clap::Args;
use crosscheck::model::checkpoint::{Checkpoint, Part, select};
use crosscheck::model::engine_file::{Engine, Geometry, Metadata, Source, Storage, as_stored};
use crosscheck::model::{Architecture, Variant, Weights, seeded};
use crosscheck::prepare::Preparation;

use super::Exit;
use super::options::{SceneOption, one_of};

/// Points in a group of an engine whose mappings are still to be learnt.
const GROUP_SIZE: usize = 32;

/// Make an engine file from checkpoints, pruned to a variant.
#[derive(Args)]
#[command(group(clap::ArgGroup::new("weights").required(true).args(["rgb", "seeded"])))]
pub struct Arguments {
    /// Where both Transformers are cut: 1, 4, 8 or 12 blocks
    #[arg(long, value_parser = one_of::<Variant>(Variant::PUBLISHED.map(Variant::name)))]
    variant: Variant,
    /// Points in a group, 32 or 128; 32 when left out, but mappings need the number that they were learnt with
    #[arg(long, value_name = "K", value_parser = parse_group_size)]
    group_size: Option<usize>,
    /// Colour backbone: dino_vitbase8_pretrain.pth, or timm's safetensors
    #[arg(long, value_name = "FILE", requires = "xyz", conflicts_with = "seeded")]
    rgb: Option<PathBuf>,
    /// Shape backbone: pointmae_pretrain.pth
    #[arg(long, value_name = "FILE", requires = "rgb")]
    xyz: Option<PathBuf>,
    /// Make up all weights from their names and this number, mappings included: for trials and tests
    #[arg(long, value_name = "N")]
    seeded: Option<u64>,
    /// Learnt mapping from colour to shape; an engine without mappings is to be fitted
    #[arg(long, value_name = "FILE", requires = "mapping_xyz_to_rgb", conflicts_with = "seeded")]
    mapping_rgb_to_xyz: Option<PathBuf>,
    /// Learnt mapping from shape to colour
    #[arg(long, value_name = "FILE", requires = "mapping_rgb_to_xyz")]
    mapping_xyz_to_rgb: Option<PathBuf>,
    /// Prefix of a part's names in its file, where the part is there more than once: rgb=encoder_q.; parts are rgb,
    /// xyz, map_rgb_to_xyz and map_xyz_to_rgb; repeatable
    #[arg(long, value_name = "PART=PREFIX", value_parser = parse_prefix, conflicts_with = "seeded")]
    prefix: Vec<(Part, String)>,
    /// How weights are stored; arithmetic is f32
    #[arg(long, default_value = "f16", value_parser = one_of::<Storage>(Storage::WORDS))]
    precision: Storage,
    /// Engine file to write
    #[arg(short, long, value_name = "ENGINE")]
    output: PathBuf,
    #[command(flatten)]
    scene: SceneOption,
}

fn parse_group_size(text: &str) -> Result<usize, String> {
    match text {
        "32" => Ok(32),
        "128" => Ok(128),
        _ => Err("expected 32 or 128".into()),
    }
}

fn parse_prefix(text: &str) -> Result<(Part, String), String> {
    let found = text.split_once('=').and_then(|(part, prefix)| {
        let part = Part::ALL.into_iter().find(|known| known.name() == part)?;
        Some((part, prefix.to_owned()))
    });
    let parts = || Part::ALL.map(Part::name).join(", ");
    found.ok_or_else(|| format!("expected PART=PREFIX, where PART is one of {}", parts()))
}

pub fn run(arguments: &Arguments) -> Result<Exit> {
    let variant = arguments.variant;
    let with_mappings = arguments.mapping_rgb_to_xyz.is_some();
    let group_size = match arguments.group_size {
        Some(group_size) => group_size,
        None if with_mappings => bail!(
            "--group-size is needed with mappings: their files fit groups of 32 or 128 points alike and do not tell which they were learnt with; the published ones were learnt with 128"
        ),
        None => GROUP_SIZE,
    };
    let architecture = Architecture::published(variant, group_size);
    let (weights, mut provenance) = match arguments.seeded {
        Some(seed) => (seeded::weights(&architecture, seed), vec![Source::Seed(seed)]),
        None => read_checkpoints(arguments, &architecture, arguments.precision)?,
    };
    if with_mappings {
        let stated = stated(variant, group_size, arguments.scene.is_given());
        log::warn!(
            "the mappings' files do not tell what they were learnt for, so it cannot be checked. The engine assumes: {}. If any of it is wrong, its scores mean nothing",
            stated.join(", ")
        );
        provenance.push(Source::Stated(stated));
    }
    let preparation = arguments.scene.apply(&Preparation::default())?;
    let metadata = Metadata {
        variant,
        architecture,
        precision: arguments.precision,
        preparation,
        standardise: false,
        geometry: Geometry::Metres,
        usual: None,
        calibration: None,
        fitted_on: Vec::new(),
        provenance,
    };
    let engine = Engine { metadata, weights, content_sha256: String::new() };
    let hash = engine.write(&arguments.output)?;
    let state = if engine.is_fitted() { "with mappings" } else { "without mappings: fit it next" };
    log::info!("wrote {} ({}, {state}, content {})", arguments.output.display(), variant.name(), &hash[..12]);
    Ok(Exit::Done)
}

/// What the engine assumes that the mappings were learnt for, since their files do not tell it.
fn stated(variant: Variant, group_size: usize, own_scene: bool) -> Vec<String> {
    let scene = if own_scene { "in the scene given" } else { "in the usual way" };
    vec![
        format!("variant {}", variant.name()),
        format!("groups of {group_size} points"),
        format!("frames prepared {scene}"),
        "coordinates in metres".into(),
        "features not standardised".into(),
    ]
}

/// The weights of every file, each in the type that an engine of `precision` stores, and where they came from.
fn read_checkpoints(
    arguments: &Arguments,
    architecture: &Architecture,
    precision: Storage,
) -> Result<(Weights, Vec<Source>)> {
    let files = [
        (Part::Rgb, &arguments.rgb),
        (Part::Xyz, &arguments.xyz),
        (Part::MapRgbToXyz, &arguments.mapping_rgb_to_xyz),
        (Part::MapXyzToRgb, &arguments.mapping_xyz_to_rgb),
    ];
    let given = |part| arguments.prefix.iter().filter(move |(prefixed, _)| *prefixed == part);
    let mut tensors = BTreeMap::new();
    let mut provenance = Vec::new();
    for (part, path) in files {
        let prefixes = given(part).count();
        let name = part.name();
        ensure!(prefixes <= 1, "--prefix {name}=... is given {prefixes} times: give it once");
        let Some(path) = path else {
            ensure!(prefixes == 0, "--prefix {name}=... is given, but no file of {}", part.describe());
            continue;
        };
        let checkpoint = Checkpoint::open(path)?;
        let mut selection =
            select(&checkpoint, part, architecture, given(part).next().map(|(_, prefix)| prefix.as_str()))?;
        for note in &selection.notes {
            log::info!("{note}");
        }
        for doubt in &selection.doubts {
            log::warn!("{doubt}");
        }
        if !selection.unknown.is_empty() {
            let names = selection.unknown.join(", ");
            log::warn!(
                "{}: these tensors are left out, as {} has none of such names: {names}",
                path.display(),
                part.describe()
            );
        }
        for spec in part.tensors(architecture) {
            if let Some(values) = selection.weights.remove(&spec.name) {
                let tensor = as_stored(precision, &spec, values)?;
                tensors.insert(spec.name, tensor);
            }
        }
        provenance.push(Source::File {
            part: name.into(),
            name: path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            sha256: checkpoint.sha256()?,
        });
    }
    Ok((Weights::new(architecture, tensors)?, provenance))
}
