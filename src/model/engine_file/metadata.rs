//! The metadata of an engine: everything in its file except the weights.

use serde::{Deserialize, Serialize};

use crate::conformal::Calibration;
use crate::model::{Architecture, Variant};
use crate::prepare::Preparation;

/// How the large tensors are stored; arithmetic is f32 either way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Storage {
    F16,
    F32,
}

crate::words::words!(Storage {
    F16 = "f16",
    F32 = "f32",
});

/// Where a part of the weights came from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    File {
        part: String,
        name: String,
        sha256: String,
    },
    Seed(u64),
    /// What imported mappings were learnt for, as it was stated at the import: their files do not contain it.
    Stated(Vec<String>),
}

/// The unit of the coordinates that the shape network's weights expect.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Geometry {
    /// Metres, as the published networks do.
    #[default]
    Metres,
    /// Measures of the part, which a fit takes from its good parts.
    Relative,
    /// Metres, after a fit folded these measures into relative weights.
    Folded(Measures),
}

impl Geometry {
    fn is_metres(&self) -> bool {
        *self == Self::Metres
    }
}

/// The measures of a part: offsets within a group are in units of `radius_m`, group centres are relative to `centre_m`
/// and in units of `spread_m`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Measures {
    /// Median over groups of the distance from a centre to the last of its K points.
    pub radius_m: f32,
    /// Mean of the group centres, in the camera's frame.
    pub centre_m: [f32; 3],
    /// Root mean square distance of the group centres from `centre_m`.
    pub spread_m: f32,
}

/// How a part usually looks to the engine, over the good parts of its fit.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Usual {
    /// Median number of points that the network is given, N.
    pub points: usize,
    /// Median over frames of the median distance of all points along the optical axis, metres.
    pub depth_m: f32,
    /// Pixels of a row of the photograph.
    pub width: usize,
    /// Pixels of a column of the photograph.
    pub height: usize,
}

/// The largest areas that good parts lack or have too much of, each without the pixels at its rim ([`crate::gap`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GapLimits {
    pub largest_gap_pixels: u32,
    pub all_gaps_pixels: u32,
    pub holes_pixels: u32,
    pub missing_pixels: u32,
    pub excess_pixels: u32,
    /// Good parts that they were learnt from.
    pub frames: u32,
}

/// The check for gaps that a fit has learnt.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gaps {
    pub limits: GapLimits,
    /// The score of a part with an area at its limit: the largest score of the good parts that it was taken from. An area
    /// twice as large scores twice as high, so that one threshold judges maps and gaps.
    pub score: f32,
}

impl Gaps {
    /// Refuses what no fit gives.
    pub(super) fn check(&self) -> Result<(), String> {
        let GapLimits { largest_gap_pixels, all_gaps_pixels, holes_pixels, missing_pixels, excess_pixels, .. } =
            self.limits;
        if [largest_gap_pixels, all_gaps_pixels, holes_pixels, missing_pixels, excess_pixels].contains(&0) {
            return Err(format!("a limit of its check for gaps is 0 pixels where 1 or more is expected: {self:?}"));
        }
        if !(self.score.is_finite() && self.score > 0.0) {
            return Err(format!(
                "the score of its check for gaps is {} where a number above 0 is expected",
                self.score
            ));
        }
        Ok(())
    }
}

/// Everything about an engine except its weights.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Metadata {
    /// Which networks it has.
    pub variant: Variant,
    #[doc(hidden)]
    pub architecture: Architecture,
    #[doc(hidden)]
    pub precision: Storage,
    /// How frames are prepared. Scores compare only between equal preparations.
    pub preparation: Preparation,
    /// Whether a fit standardises features over its good parts, by changing the networks' last LayerNorms. False for
    /// the published networks.
    #[doc(hidden)]
    pub standardise: bool,
    /// Left out of the file where it is metres, so that files older than this field keep their content hash.
    #[doc(hidden)]
    #[serde(default, skip_serializing_if = "Geometry::is_metres")]
    pub geometry: Geometry,
    /// How good parts look to the engine; known after a fit. Left out of the file before one, for the same reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usual: Option<Usual>,
    /// The check for gaps; none where the fit learnt none. Left out of the file then.
    #[doc(hidden)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gaps: Option<Gaps>,
    /// The logarithm of how many times larger the distances of colour features are on good parts than those of shape features,
    /// [`crate::defects::Balance`]; none before a fit. Left out of the file then.
    #[doc(hidden)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub balance: Option<f32>,
    /// The thresholds and how they were found; none before calibration.
    pub calibration: Option<Calibration>,
    /// Fingerprints of the frames that the mappings were learnt from; a threshold is calibrated on other frames.
    pub fitted_on: Vec<String>,
    #[doc(hidden)]
    pub provenance: Vec<Source>,
}

impl Metadata {
    /// Removes the provenance of the mappings and the balance of their distances, for when others take their place.
    #[doc(hidden)]
    pub fn forget_mappings(&mut self) {
        self.balance = None;
        self.provenance.retain(|source| match source {
            Source::File { part, .. } => !part.starts_with("map_"),
            Source::Stated(_) => false,
            Source::Seed(_) => true,
        });
    }
}
