//! The parts that an engine is put together from, each from a weight file of its own.

use crate::model::{Architecture, TensorSpec};

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

    /// What precedes the names of this part's tensors in an engine, but not in weight files.
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

    /// `rgb`, `xyz`, `map_rgb_to_xyz` or `map_xyz_to_rgb`.
    pub fn name(self) -> &'static str {
        self.prefix().trim_end_matches('.')
    }

    /// The tensors of an engine of `architecture` that are of this part.
    pub fn tensors(self, architecture: &Architecture) -> Vec<TensorSpec> {
        let mut specs = match self {
            Self::Rgb => architecture.rgb_tensors(),
            Self::Xyz => architecture.xyz_tensors(),
            Self::MapRgbToXyz | Self::MapXyzToRgb => architecture.mapping_tensors(),
        };
        specs.retain(|spec| spec.name.starts_with(self.prefix()));
        specs
    }
}
