//! What an engine is: the architecture's sizes and its named weights. No arithmetic lives here.

pub mod checkpoint;
mod encoded;
pub mod engine_file;
pub mod seeded;
mod tensor;
mod weights;

use serde::{Deserialize, Serialize};

use crate::shapes::{H, PATCH, RGB, T, W, XYZ};

pub use self::tensor::{Tensor, Values};
pub use self::weights::{LinearWeights, MappingWeights, Tensors, Weights, WeightsError};

/// A mapping's tensor with the mean of each channel's variance over good parts, `[C_out]`.
pub const MEAN_VARIANCE: &str = "variance.mean";

/// The tensor with the places where good parts have points ([`crate::gap::Places`]), in engines that check for gaps.
pub const GAP_PLACES: &str = "gap.places";
/// Its shape: two sets of pixels, rows, and the bytes of a row.
pub const GAP_PLACES_SHAPE: [usize; 3] = [2, H, W / 8];

/// Largest sizes that an engine file may ask for.
const WIDTH_MAX: usize = 8192;
const COUNT_MAX: usize = 512;

/// Which networks an engine has: the published ones at a depth (paper, section 3.4), or the program's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Variant {
    /// 1 block of each published network.
    Tiny,
    /// 4 blocks.
    Small,
    /// 8 blocks.
    Medium,
    /// All 12 blocks.
    Full,
    /// The small networks that ship with the program (`engines/README.md`); their sizes are in their file.
    Default,
}

impl Variant {
    /// The variants that are cut from the published networks.
    pub const PUBLISHED: [Variant; 4] = [Self::Tiny, Self::Small, Self::Medium, Self::Full];

    /// Blocks kept in each Transformer, `l` of section 3.4, and the Point-MAE blocks (counted from 0) whose
    /// outputs are concatenated.
    fn published_depth(self) -> (usize, &'static [usize]) {
        match self {
            Self::Tiny => (1, &[0]),
            Self::Small => (4, &[1, 2, 3]),
            Self::Medium => (8, &[1, 4, 7]),
            Self::Full => (12, &[3, 7, 11]),
            Self::Default => unreachable!("the default engine is not cut from the published networks"),
        }
    }
}

crate::words::words!(Variant {
    Tiny = "tiny",
    Small = "small",
    Medium = "medium",
    Full = "full",
    Default = "default",
});

/// Sizes of the colour Transformer (DINO ViT-B/8, section 4).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VitShape {
    pub width: usize,
    pub heads: usize,
    pub mlp: usize,
    pub layers: usize,
}

impl VitShape {
    /// Epsilon of its LayerNorms, that of timm's and DINO's ViT.
    pub const EPSILON: f32 = 1e-6;
}

/// Sizes of the shape Transformer (Point-MAE, section 4).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PointMaeShape {
    pub width: usize,
    pub heads: usize,
    pub mlp: usize,
    pub layers: usize,
    /// Blocks, counted from 0, whose normalised outputs are concatenated.
    pub taps: Vec<usize>,
    /// Number of groups, G.
    pub groups: usize,
    /// Points in a group, K.
    pub group_size: usize,
    /// Widths of the group encoder's four layers but the last, which is `width`.
    pub encoder: [usize; 3],
    /// Width of the position network's hidden layer.
    pub position_hidden: usize,
}

impl PointMaeShape {
    /// Epsilon of its LayerNorms and BatchNorms, PyTorch's default.
    pub const EPSILON: f32 = 1e-5;
}

/// How far an observed feature is from its prediction, and how the distances of both modalities become one map.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Score {
    /// The distance of the unit vectors; the map is the product of both distances (equation 3 of the paper).
    #[default]
    Product,
    /// The mean over channels of the squared difference, divided by the variance that the mapping expects of this
    /// channel at this pixel; the map is the sum of both distances.
    Likelihood,
}

crate::words::words!(serde Score {
    Product = "product",
    Likelihood = "likelihood",
});

impl Score {
    /// The value of a pixel of the anomaly map, before it is smoothed, from the distances of both modalities.
    #[doc(hidden)]
    pub fn combine(self, psi_rgb: f32, psi_xyz: f32) -> f32 {
        match self {
            Self::Product => psi_rgb * psi_xyz,
            Self::Likelihood => psi_rgb + psi_xyz,
        }
    }

    fn is_product(&self) -> bool {
        *self == Self::Product
    }
}

/// Every size that decides the shape of a weight, and the score, which decides which weights there are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Architecture {
    pub rgb: VitShape,
    pub xyz: PointMaeShape,
    /// Width of the mappings' hidden layers, M.
    pub hidden: usize,
    /// Left out of the file where it is the paper's, so that files older than this field keep their content hash.
    #[serde(default, skip_serializing_if = "Score::is_product")]
    pub score: Score,
}

impl Architecture {
    /// The published sizes, pruned to `variant` of [`Variant::PUBLISHED`], with groups of `group_size` points.
    pub fn published(variant: Variant, group_size: usize) -> Self {
        let (layers, taps) = variant.published_depth();
        let rgb = VitShape { width: 768, heads: 12, mlp: 3072, layers };
        let xyz = PointMaeShape {
            width: 384,
            heads: 6,
            mlp: 1536,
            layers,
            taps: taps.to_vec(),
            groups: 1024,
            group_size,
            encoder: [128, 256, 512],
            position_hidden: 128,
        };
        let hidden = (rgb.width + xyz.width * xyz.taps.len()) / 2;
        Self { rgb, xyz, hidden, score: Score::Product }
    }

    /// Refuses sizes that no engine has, before anything is allocated from them.
    pub fn check(&self) -> Result<(), String> {
        let (rgb, xyz) = (&self.rgb, &self.xyz);
        let widths = [rgb.width, rgb.mlp, xyz.width, xyz.mlp, xyz.position_hidden, self.hidden];
        let counts = [rgb.heads, rgb.layers, xyz.heads, xyz.layers, xyz.taps.len(), xyz.group_size];
        let bounded = widths.iter().chain(&xyz.encoder).all(|n| (1..=WIDTH_MAX).contains(n))
            && counts.iter().all(|n| (1..=COUNT_MAX).contains(n))
            && (1..=crate::shapes::P).contains(&xyz.groups);
        if !bounded {
            return Err(format!("its architecture has sizes out of bounds: {self:?}"));
        }
        if !rgb.width.is_multiple_of(rgb.heads) || !xyz.width.is_multiple_of(xyz.heads) {
            return Err("a Transformer's width is not a multiple of its heads".into());
        }
        if !xyz.taps.iter().all(|&tap| tap < xyz.layers) || !xyz.taps.is_sorted_by(|a, b| a < b) {
            return Err(format!("the taps {:?} do not name {} blocks in order", xyz.taps, xyz.layers));
        }
        Ok(())
    }

    /// Channels of a colour feature, C_RGB.
    pub fn c_rgb(&self) -> usize {
        self.rgb.width
    }

    /// Channels of a shape feature, C_XYZ.
    pub fn c_xyz(&self) -> usize {
        self.xyz.width * self.xyz.taps.len()
    }

    /// Every tensor of an engine of this architecture, by name.
    pub fn tensors(&self) -> Vec<TensorSpec> {
        let mut specs = self.rgb_tensors();
        specs.extend(self.xyz_tensors());
        specs.extend(self.mapping_tensors());
        specs
    }

    /// The colour Transformer's tensors, named as timm and DINO name them, under `rgb.`.
    pub fn rgb_tensors(&self) -> Vec<TensorSpec> {
        let c = self.rgb.width;
        let mut list = Specs::new("rgb.");
        list.add("cls_token", &[1, 1, c]);
        list.add("pos_embed", &[1, T + 1, c]);
        list.add("patch_embed.proj.weight", &[c, RGB, PATCH, PATCH]);
        list.add("patch_embed.proj.bias", &[c]);
        for block in 0..self.rgb.layers {
            list.block(&format!("blocks.{block}."), c, self.rgb.mlp, true);
        }
        list.norm("norm", c);
        list.specs
    }

    /// The shape Transformer's tensors, named as Point-MAE names them, under `xyz.`.
    pub fn xyz_tensors(&self) -> Vec<TensorSpec> {
        let (c, [e0, e1, e2]) = (self.xyz.width, self.xyz.encoder);
        let mut list = Specs::new("xyz.");
        list.conv("encoder.first_conv.0", e0, XYZ);
        list.batch_norm("encoder.first_conv.1", e0);
        list.conv("encoder.first_conv.3", e1, e0);
        list.conv("encoder.second_conv.0", e2, 2 * e1);
        list.batch_norm("encoder.second_conv.1", e2);
        list.conv("encoder.second_conv.3", c, e2);
        list.linear("pos_embed.0", self.xyz.position_hidden, XYZ);
        list.linear("pos_embed.2", c, self.xyz.position_hidden);
        for block in 0..self.xyz.layers {
            list.block(&format!("blocks.blocks.{block}."), c, self.xyz.mlp, false);
        }
        list.norm("norm", c);
        list.specs
    }

    /// The two mappings' tensors. [`Score::Likelihood`] adds the layer that predicts the logarithm of each channel's variance
    /// and that variance's mean over good parts, `[C_out]`.
    pub fn mapping_tensors(&self) -> Vec<TensorSpec> {
        let mut list = Specs::new("");
        for (name, from, to) in
            [("map_rgb_to_xyz", self.c_rgb(), self.c_xyz()), ("map_xyz_to_rgb", self.c_xyz(), self.c_rgb())]
        {
            list.linear(&format!("{name}.input"), self.hidden, from);
            list.linear(&format!("{name}.projection"), self.hidden, self.hidden);
            list.linear(&format!("{name}.output"), to, self.hidden);
            if self.score == Score::Likelihood {
                list.linear(&format!("{name}.variance"), to, self.hidden);
                list.add(&format!("{name}.{MEAN_VARIANCE}"), &[to]);
            }
        }
        list.specs
    }
}

#[cfg(test)]
impl Architecture {
    /// Networks for tests that look at weights and graphs.
    pub fn small() -> Self {
        let rgb = VitShape { width: 16, heads: 2, mlp: 24, layers: 2 };
        let xyz = PointMaeShape {
            width: 24,
            heads: 1,
            mlp: 12,
            layers: 1,
            taps: vec![0],
            groups: 4,
            group_size: 2,
            encoder: [8, 4, 4],
            position_hidden: 4,
        };
        Self { rgb, xyz, hidden: 6, score: Score::Product }
    }
}

/// Name and shape of one weight.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TensorSpec {
    pub name: String,
    pub shape: Vec<usize>,
}

struct Specs {
    prefix: &'static str,
    specs: Vec<TensorSpec>,
}

impl Specs {
    fn new(prefix: &'static str) -> Self {
        Self { prefix, specs: Vec::new() }
    }

    fn add(&mut self, name: &str, shape: &[usize]) {
        self.specs.push(TensorSpec { name: format!("{}{name}", self.prefix), shape: shape.to_vec() });
    }

    fn linear(&mut self, name: &str, to: usize, from: usize) {
        self.add(&format!("{name}.weight"), &[to, from]);
        self.add(&format!("{name}.bias"), &[to]);
    }

    fn conv(&mut self, name: &str, to: usize, from: usize) {
        self.add(&format!("{name}.weight"), &[to, from, 1]);
        self.add(&format!("{name}.bias"), &[to]);
    }

    fn norm(&mut self, name: &str, width: usize) {
        self.add(&format!("{name}.weight"), &[width]);
        self.add(&format!("{name}.bias"), &[width]);
    }

    fn batch_norm(&mut self, name: &str, width: usize) {
        self.norm(name, width);
        self.add(&format!("{name}.running_mean"), &[width]);
        self.add(&format!("{name}.running_var"), &[width]);
    }

    fn block(&mut self, name: &str, width: usize, mlp: usize, qkv_bias: bool) {
        self.norm(&format!("{name}norm1"), width);
        self.add(&format!("{name}attn.qkv.weight"), &[3 * width, width]);
        if qkv_bias {
            self.add(&format!("{name}attn.qkv.bias"), &[3 * width]);
        }
        self.linear(&format!("{name}attn.proj"), width, width);
        self.norm(&format!("{name}norm2"), width);
        self.linear(&format!("{name}mlp.fc1"), mlp, width);
        self.linear(&format!("{name}mlp.fc2"), width, mlp);
    }
}
