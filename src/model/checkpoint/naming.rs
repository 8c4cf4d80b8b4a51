//! How weight files name the tensors of an engine's parts.

use super::part::Part;
use crate::model::{Architecture, TensorSpec};

/// Tensors of published files that the method does not use: heads, Point-MAE's decoder and masking, BatchNorm's
/// counters.
const UNUSED_RGB: [&str; 5] = ["head.", "fc_norm.", "mask_token", "pooler.", "classifier."];
const UNUSED_XYZ: [&str; 7] =
    ["MAE_decoder.", "mask_token", "decoder_pos_embed.", "increase_dim.", "cls_head", "cls_token", "cls_pos"];

/// Whose names the tensors of a file have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Naming {
    /// The engine's own: those of DINO and timm, of Point-MAE, and of the mappings of CFM.
    Own,
    /// Those of a ViT in Hugging Face's transformers, where query, key and value are three tensors. Stacked they are
    /// `attn.qkv`.
    Transformers,
}

/// A tensor that a weight file should have.
pub(super) struct Piece {
    /// Without the prefix that the file puts in front.
    pub name: String,
    pub shape: Vec<usize>,
}

/// A weight of an engine, and the tensors of a weight file that make it up, stacked along the first axis: mostly one.
pub(super) struct Wanted {
    pub spec: TensorSpec,
    pub pieces: Vec<Piece>,
}

impl Naming {
    pub(super) fn of(part: Part) -> &'static [Self] {
        match part {
            Part::Rgb => &[Self::Own, Self::Transformers],
            Part::Xyz | Part::MapRgbToXyz | Part::MapXyzToRgb => &[Self::Own],
        }
    }

    /// The weights of `part` and what a file with these names calls them.
    pub(super) fn wanted(self, part: Part, architecture: &Architecture) -> Vec<Wanted> {
        let specs = part.tensors(architecture).into_iter();
        specs.map(|spec| Wanted { pieces: self.pieces(&spec, part), spec }).collect()
    }

    fn pieces(self, spec: &TensorSpec, part: Part) -> Vec<Piece> {
        let own = &spec.name[part.prefix().len()..];
        let names = match self {
            Self::Own => vec![own.to_owned()],
            Self::Transformers => transformers(own),
        };
        let mut shape = spec.shape.clone();
        shape[0] /= names.len();
        names.into_iter().map(|name| Piece { name, shape: shape.clone() }).collect()
    }

    /// What precedes a block's number in a tensor's name.
    fn blocks(self, part: Part) -> Option<&'static str> {
        match (self, part) {
            (Self::Transformers, _) => Some("encoder.layer."),
            (Self::Own, Part::Rgb) => Some("blocks."),
            (Self::Own, Part::Xyz) => Some("blocks.blocks."),
            (Self::Own, Part::MapRgbToXyz | Part::MapXyzToRgb) => None,
        }
    }

    /// Whether a published file of `part` holds `name` and the method does not use it.
    pub(super) fn leaves_out(self, part: Part, name: &str, architecture: &Architecture) -> bool {
        let (unused, layers): (&[&str], _) = match part {
            Part::Rgb => (&UNUSED_RGB, architecture.rgb.layers),
            Part::Xyz => (&UNUSED_XYZ, architecture.xyz.layers),
            Part::MapRgbToXyz | Part::MapXyzToRgb => return false,
        };
        let block = self.blocks(part).and_then(|blocks| name.strip_prefix(blocks));
        let block = block.and_then(|rest| rest.split_once('.')).and_then(|(n, _)| n.parse().ok());
        let pruned = block.is_some_and(|block: usize| block >= layers);
        pruned || name.ends_with(".num_batches_tracked") || unused.iter().any(|prefix| name.starts_with(prefix))
    }
}

/// The names in Hugging Face's transformers of the colour Transformer's tensor `own`: one, or three that are stacked.
fn transformers(own: &str) -> Vec<String> {
    let inner = own.strip_prefix("blocks.").and_then(|rest| rest.split_once('.'));
    let Some((block, tensor)) = inner else {
        let renamed = match own.split_once('.') {
            None if own == "pos_embed" => "embeddings.position_embeddings".into(),
            None => format!("embeddings.{own}"),
            Some(("norm", leaf)) => format!("layernorm.{leaf}"),
            Some((_, rest)) => format!("embeddings.patch_embeddings.{}", rest.replacen("proj", "projection", 1)),
        };
        return vec![renamed];
    };
    let (layer, leaf) = tensor.rsplit_once('.').unwrap_or((tensor, ""));
    let renamed = match layer {
        "norm1" => "layernorm_before",
        "norm2" => "layernorm_after",
        "attn.proj" => "attention.output.dense",
        "mlp.fc1" => "intermediate.dense",
        "mlp.fc2" => "output.dense",
        _ => {
            let piece = |name| format!("encoder.layer.{block}.attention.attention.{name}.{leaf}");
            return ["query", "key", "value"].map(piece).into();
        }
    };
    vec![format!("encoder.layer.{block}.{renamed}.{leaf}")]
}
