//! The result of one frame.

use std::time::Duration;

use super::doubt::Doubt;
use super::outcome::Outcome;
use crate::backend::AnomalyMaps;
use crate::defects::Defects;
use crate::gap::Gap;
use crate::prepare::NetworkInput;

/// The result of one frame.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Inspection {
    /// Score and verdict, or why there is no score.
    pub outcome: Outcome,
    /// Why something other than the part may have been inspected.
    pub doubt: Option<Doubt>,
    /// What the part lacks or has too much of, if that is beyond the limit of good parts. The anomaly map has it too.
    pub gap: Option<Gap>,
    /// What was found where; nothing on a part that passes, or that has no score or no threshold.
    pub defects: Defects,
    /// What the networks were given: which pixels were taken for the part, and where they lie in the photograph.
    pub input: NetworkInput,
    /// The anomaly map and both distances, each of 224 x 224 network pixels.
    pub maps: AnomalyMaps,
    /// How long each stage took.
    pub times: StageTimes,
}

/// How long the stages of one frame took.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct StageTimes {
    /// Crop, belt, part and resizing.
    pub prepare: Duration,
    /// The colour network.
    pub rgb_tokens: Duration,
    /// The shape network.
    pub xyz_groups: Duration,
    /// Both mappings, and the distances between what is predicted and what is seen.
    pub anomaly_map: Duration,
}

impl StageTimes {
    /// Names and times of the stages, in the order in which they run.
    pub fn stages(&self) -> [(&'static str, Duration); 4] {
        [
            ("prepare", self.prepare),
            ("rgb_tokens", self.rgb_tokens),
            ("xyz_groups", self.xyz_groups),
            ("anomaly_map", self.anomaly_map),
        ]
    }

    /// All stages together.
    pub fn total(&self) -> Duration {
        self.stages().iter().map(|(_, time)| *time).sum()
    }
}

impl Inspection {
    /// Number of pixels with a shape feature.
    pub fn valid_pixels(&self) -> usize {
        self.maps.valid.iter().filter(|v| **v).count()
    }

    /// The score; infinity for a frame without one, which ranks above every other.
    pub fn ranked_score(&self) -> f32 {
        self.outcome.score().unwrap_or(f32::INFINITY)
    }
}
