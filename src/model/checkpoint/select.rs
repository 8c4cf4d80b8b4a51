//! From a weight file to the named weights of one part of an engine.

use std::collections::BTreeSet;

use super::{Checkpoint, CheckpointError, Dtype, TensorEntry};
use crate::model::{Architecture, TensorSpec, Variant, Weights};

const LINES_MAX: usize = 20;
/// Published tensors that the method has no use for: heads, Point-MAE's decoder and masking, BatchNorm's counters.
const UNUSED_RGB: [&str; 3] = ["head.", "fc_norm.", "mask_token"];
const UNUSED_XYZ: [&str; 7] =
    ["MAE_decoder.", "mask_token", "decoder_pos_embed.", "increase_dim.", "cls_head", "cls_token", "cls_pos"];

/// What one weight file holds of an engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    Rgb,
    Xyz,
    MapRgbToXyz,
    MapXyzToRgb,
}

impl Part {
    pub const ALL: [Part; 4] = [Self::Rgb, Self::Xyz, Self::MapRgbToXyz, Self::MapXyzToRgb];

    /// What an engine puts in front of this part's names; weight files don't.
    pub fn prefix(self) -> &'static str {
        match self {
            Self::Rgb => "rgb.",
            Self::Xyz => "xyz.",
            Self::MapRgbToXyz => "map_rgb_to_xyz.",
            Self::MapXyzToRgb => "map_xyz_to_rgb.",
        }
    }

    pub fn describe(self) -> &'static str {
        match self {
            Self::Rgb => "the colour Transformer (DINO ViT-B/8)",
            Self::Xyz => "the shape Transformer (Point-MAE)",
            Self::MapRgbToXyz => "the mapping from colour to shape",
            Self::MapXyzToRgb => "the mapping from shape to colour",
        }
    }

    fn specs(self, architecture: &Architecture) -> Vec<TensorSpec> {
        let mut specs = match self {
            Self::Rgb => architecture.rgb_tensors(),
            Self::Xyz => architecture.xyz_tensors(),
            Self::MapRgbToXyz | Self::MapXyzToRgb => architecture.mapping_tensors(),
        };
        specs.retain(|spec| spec.name.starts_with(self.prefix()));
        specs
    }

    /// Whether a published file holds `name` and the method does not use it.
    fn leaves_out(self, name: &str, architecture: &Architecture) -> bool {
        let (unused, blocks, layers): (&[&str], _, _) = match self {
            Self::Rgb => (&UNUSED_RGB, "blocks.", architecture.rgb.layers),
            Self::Xyz => (&UNUSED_XYZ, "blocks.blocks.", architecture.xyz.layers),
            Self::MapRgbToXyz | Self::MapXyzToRgb => return false,
        };
        let block = name.strip_prefix(blocks).and_then(|rest| rest.split_once('.')).and_then(|(n, _)| n.parse().ok());
        let pruned = block.is_some_and(|block: usize| block >= layers);
        pruned || name.ends_with(".num_batches_tracked") || unused.iter().any(|prefix| name.starts_with(prefix))
    }
}

/// The weights of one part.
#[derive(Debug)]
pub struct Selection {
    /// By the engine's names; which and of what shape: [`Architecture::tensors`].
    pub weights: Weights,
    /// Tensors of the file that neither the engine nor a published file of this part has: worth a warning.
    pub unknown: Vec<String>,
}

/// Takes the tensors of `part` that an engine of `architecture` has. A shape may differ by dimensions of 1 at its end.
///
/// Every name and shape is checked before a tensor is read, and all that is wrong comes in one error.
pub fn select(checkpoint: &Checkpoint, part: Part, architecture: &Architecture) -> Result<Selection, CheckpointError> {
    let specs = part.specs(architecture);
    let own = |spec: &TensorSpec| spec.name[part.prefix().len()..].to_owned();
    let problems: Vec<String> = specs.iter().filter_map(|spec| problem(checkpoint, &own(spec), spec)).collect();
    if !problems.is_empty() {
        return Err(CheckpointError::Mismatch {
            path: checkpoint.source.path.clone(),
            part: part.describe(),
            listing: listing(&problems) + &hint(checkpoint, part, architecture),
        });
    }
    let mut weights = Weights::new();
    for spec in &specs {
        weights.insert(spec.name.clone(), finite(checkpoint, &own(spec))?);
    }
    let used: BTreeSet<String> = specs.iter().map(own).collect();
    let unknown = |name: &&String| !used.contains(*name) && !part.leaves_out(name, architecture);
    Ok(Selection { weights, unknown: checkpoint.tensors.keys().filter(unknown).cloned().collect() })
}

fn finite(checkpoint: &Checkpoint, name: &str) -> Result<Vec<f32>, CheckpointError> {
    let values = checkpoint.read(name)?;
    match values.iter().position(|v| !v.is_finite()) {
        None => Ok(values),
        Some(place) => Err(CheckpointError::NotFinite {
            path: checkpoint.source.path.clone(),
            name: name.into(),
            place,
            value: values[place],
        }),
    }
}

/// What is wrong with the tensor that should be `spec`, `None` if nothing is.
fn problem(checkpoint: &Checkpoint, name: &str, spec: &TensorSpec) -> Option<String> {
    match checkpoint.tensors.get(name) {
        None => Some(format!("{name}: expected {:?}, missing", spec.shape)),
        Some(entry) if fits(entry, spec) => None,
        Some(entry) => Some(format!("{name}: expected {:?}, found {} {:?}", spec.shape, entry.dtype, entry.shape)),
    }
}

fn fits(entry: &TensorEntry, spec: &TensorSpec) -> bool {
    let is_float = matches!(entry.dtype, Dtype::F16 | Dtype::BF16 | Dtype::F32 | Dtype::F64);
    is_float && without_trailing_ones(&entry.shape) == without_trailing_ones(&spec.shape)
}

fn without_trailing_ones(shape: &[usize]) -> &[usize] {
    let kept = shape.iter().rposition(|size| *size != 1).map_or(0, |last| last + 1);
    &shape[..kept]
}

fn listing(problems: &[String]) -> String {
    let mut lines: Vec<String> = problems.iter().take(LINES_MAX).map(|line| format!("  {line}")).collect();
    if problems.len() > LINES_MAX {
        lines.push(format!("  and {} more", problems.len() - LINES_MAX));
    }
    lines.join("\n")
}

/// What the file is instead, if that can be told: another part, or this part of another variant.
fn hint(checkpoint: &Checkpoint, part: Part, architecture: &Architecture) -> String {
    let holds = |part: Part, architecture: &Architecture| {
        let specs = part.specs(architecture);
        specs.iter().all(|spec| problem(checkpoint, &spec.name[part.prefix().len()..], spec).is_none())
    };
    if let Some(other) = Part::ALL.into_iter().find(|other| *other != part && holds(*other, architecture)) {
        return format!("\nthese are the tensors of {}: was another file meant?", other.describe());
    }
    let published = |variant| Architecture::published(variant, architecture.xyz.group_size);
    for part in Part::ALL {
        let variants = Variant::PUBLISHED.into_iter().filter(|variant| holds(part, &published(*variant)));
        let names: Vec<&str> = variants.map(Variant::name).collect();
        if !names.is_empty() {
            return format!("\nthese sizes are those of {}, variant {}", part.describe(), names.join(" or "));
        }
    }
    String::new()
}
