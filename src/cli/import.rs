use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Result, bail, ensure};
use clap::Args;
use crosscheck::model::checkpoint::{Checkpoint, Part, select};
use crosscheck::model::engine_file::{Engine, Geometry, Metadata, Source, Storage, as_stored};
use crosscheck::model::{Architecture, Variant, Weights, seeded};
use crosscheck::prepare::Preparation;

use super::Exit;
use super::examples;
use super::options::{SceneOption, one_of};

/// Points in a group if the mappings are still to be learnt.
const GROUP_SIZE: usize = 32;

/// Make an engine file from the checkpoints of published networks, pruned to a variant.
#[derive(Args)]
#[command(after_long_help = examples::IMPORT)]
#[command(group(clap::ArgGroup::new("weights").required(true).args(["rgb", "seeded"])))]
pub struct Arguments {
    /// Number of blocks that both Transformers keep: tiny 1, small 4, medium 8, full 12
    #[arg(long, value_parser = one_of::<Variant>(Variant::PUBLISHED.map(Variant::name)))]
    variant: Variant,
    /// Points in a group, 32 or 128; 32 if left out. With mappings it must be given, with the value they were learnt
    /// with
    #[arg(long, value_name = "K", value_parser = parse_group_size)]
    group_size: Option<usize>,
    /// Weights of the colour network: dino_vitbase8_pretrain.pth, or those of timm or transformers (ViT-B/8)
    #[arg(long, value_name = "FILE", requires = "xyz", conflicts_with = "seeded")]
    rgb: Option<PathBuf>,
    /// Weights of the shape network: pointmae_pretrain.pth
    #[arg(long, value_name = "FILE", requires = "rgb")]
    xyz: Option<PathBuf>,
    /// Random weights from this seed, mappings included, instead of published ones; for trials and tests
    #[arg(long, value_name = "N")]
    seeded: Option<u64>,
    /// Learnt mapping from colour to shape; without mappings the engine must be fitted
    #[arg(long, value_name = "FILE", requires = "mapping_xyz_to_rgb", conflicts_with = "seeded")]
    mapping_rgb_to_xyz: Option<PathBuf>,
    /// Learnt mapping from shape to colour
    #[arg(long, value_name = "FILE", requires = "mapping_rgb_to_xyz")]
    mapping_xyz_to_rgb: Option<PathBuf>,
    /// Prefix of a network's names in its file, needed if the file contains the network more than once, such as
    /// rgb=encoder_q. ; networks are rgb, xyz, map_rgb_to_xyz and map_xyz_to_rgb; repeatable
    #[arg(long, value_name = "NETWORK=PREFIX", value_parser = parse_prefix, conflicts_with = "seeded")]
    prefix: Vec<(Part, String)>,
    /// Type in which weights are stored; the arithmetic is not affected
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
    found.ok_or_else(|| format!("expected NETWORK=PREFIX, where NETWORK is one of {}", parts()))
}

pub fn run(arguments: &Arguments) -> Result<Exit> {
    let variant = arguments.variant;
    let with_mappings = arguments.mapping_rgb_to_xyz.is_some();
    let group_size = match arguments.group_size {
        Some(group_size) => group_size,
        None if with_mappings => bail!(
            "--group-size is needed with mappings: their files do not tell whether they were learnt with groups of 32 or 128 points, and fit both; the published ones were learnt with 128"
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
            "the mappings' files do not tell what they were learnt for, so it cannot be checked. The engine assumes: {}. If any of this is wrong, its scores mean nothing",
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
        gaps: None,
        balance: None,
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

/// What the mappings are assumed to have been learnt for, since their files do not tell.
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
            ensure!(prefixes == 0, "--prefix {name}=... is given without a file of {}", part.describe());
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
                "{}: these tensors are left out, since {} has no tensors of these names: {names}",
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
