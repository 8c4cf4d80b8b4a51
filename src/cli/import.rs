use std::path::PathBuf;

use anyhow::Result;
use clap::{Args, ValueEnum};
use crosscheck::model::checkpoint::{Checkpoint, Part, select};
use crosscheck::model::engine_file::{Engine, Geometry, Metadata, Precision, Source};
use crosscheck::model::{Architecture, Variant, Weights, seeded};
use crosscheck::prepare::Preparation;

use super::Outcome;
use super::options::SceneOption;

/// Make an engine file from checkpoints, pruned to a variant.
#[derive(Args)]
#[command(group(clap::ArgGroup::new("weights").required(true).args(["rgb", "seeded"])))]
pub struct Arguments {
    /// Where both Transformers are cut: 1, 4, 8 or 12 blocks
    #[arg(long)]
    variant: VariantOption,
    /// Points in a group; the published mappings were learnt with 128
    #[arg(long, default_value = "32", value_parser = parse_group_size)]
    group_size: usize,
    /// Colour backbone: dino_vitbase8_pretrain.pth, or timm's safetensors
    #[arg(long, value_name = "FILE", requires = "xyz", conflicts_with = "seeded")]
    rgb: Option<PathBuf>,
    /// Shape backbone: pointmae_pretrain.pth
    #[arg(long, value_name = "FILE", requires = "rgb")]
    xyz: Option<PathBuf>,
    /// Weights that are a function of their names and this number, mappings included: for trials and tests
    #[arg(long, value_name = "N")]
    seeded: Option<u64>,
    /// Learnt mapping from colour to shape; without mappings the engine is to be fitted
    #[arg(long, value_name = "FILE", requires = "mapping_xyz_to_rgb", conflicts_with = "seeded")]
    mapping_rgb_to_xyz: Option<PathBuf>,
    /// Learnt mapping from shape to colour
    #[arg(long, value_name = "FILE", requires = "mapping_rgb_to_xyz")]
    mapping_xyz_to_rgb: Option<PathBuf>,
    /// How weights are stored; arithmetic is f32
    #[arg(long, default_value = "f16")]
    precision: PrecisionOption,
    /// Engine file to write
    #[arg(short, long, value_name = "ENGINE")]
    output: PathBuf,
    #[command(flatten)]
    scene: SceneOption,
}

#[derive(Clone, Copy, ValueEnum)]
enum VariantOption {
    Tiny,
    Small,
    Medium,
    Full,
}

#[derive(Clone, Copy, ValueEnum)]
enum PrecisionOption {
    F16,
    F32,
}

fn parse_group_size(text: &str) -> Result<usize, String> {
    match text {
        "32" => Ok(32),
        "128" => Ok(128),
        _ => Err("expected 32 or 128".into()),
    }
}

pub fn run(arguments: &Arguments) -> Result<Outcome> {
    let variant = match arguments.variant {
        VariantOption::Tiny => Variant::Tiny,
        VariantOption::Small => Variant::Small,
        VariantOption::Medium => Variant::Medium,
        VariantOption::Full => Variant::Full,
    };
    let precision = match arguments.precision {
        PrecisionOption::F16 => Precision::F16,
        PrecisionOption::F32 => Precision::F32,
    };
    let architecture = Architecture::published(variant, arguments.group_size);
    let (weights, provenance) = match arguments.seeded {
        Some(seed) => (seeded::weights(&architecture, seed), vec![Source::Seed(seed)]),
        None => read_checkpoints(arguments, &architecture)?,
    };
    let preparation = arguments.scene.apply(&Preparation::default())?;
    let metadata = Metadata {
        variant,
        architecture,
        precision,
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
    Ok(Outcome::Done)
}

fn read_checkpoints(arguments: &Arguments, architecture: &Architecture) -> Result<(Weights, Vec<Source>)> {
    let files = [
        (Part::Rgb, &arguments.rgb),
        (Part::Xyz, &arguments.xyz),
        (Part::MapRgbToXyz, &arguments.mapping_rgb_to_xyz),
        (Part::MapXyzToRgb, &arguments.mapping_xyz_to_rgb),
    ];
    let (mut weights, mut provenance) = (Weights::new(), Vec::new());
    for (part, path) in files {
        let Some(path) = path else { continue };
        let checkpoint = Checkpoint::open(path)?;
        let selection = select(&checkpoint, part, architecture)?;
        if !selection.unknown.is_empty() {
            let names = selection.unknown.join(", ");
            log::warn!("{}: left out, as {} has no such tensors: {names}", path.display(), part.describe());
        }
        weights.extend(selection.weights);
        provenance.push(Source::File {
            part: part.prefix().trim_end_matches('.').into(),
            name: path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            sha256: checkpoint.sha256()?,
        });
    }
    Ok((weights, provenance))
}
