//! An engine in memory.

use super::error::EngineError;
use super::metadata::Metadata;
use crate::model::{Score, Weights};
use crate::prepare::Preparation;

/// What was learnt: the weights of both networks and, once it is fitted, of the mappings between their features; how frames
/// are prepared; and the threshold, once it is calibrated. It is one file.
#[derive(Clone, Debug)]
pub struct Engine {
    /// Everything but the weights: how frames are prepared, the threshold, what it was fitted on.
    pub metadata: Metadata,
    /// Every tensor of the architecture, or all but the mappings'.
    #[doc(hidden)]
    pub weights: Weights,
    /// SHA-256 of metadata and weights as they are stored, in hexadecimal; empty before the engine is stored.
    pub content_sha256: String,
}

impl Engine {
    /// Whether the mappings are there.
    pub fn is_fitted(&self) -> bool {
        self.weights.is_fitted()
    }

    /// Sets how frames are prepared. Another scene is an error if the engine is fitted or calibrated in its own,
    /// another stride if it is calibrated.
    pub fn prepare_as(&mut self, preparation: Preparation) -> Result<(), EngineError> {
        let own = &self.metadata.preparation;
        if let Some(difference) = own.scene_difference(&preparation)
            && (self.is_fitted() || self.metadata.calibration.is_some())
        {
            return Err(EngineError::Scene { difference });
        }
        if self.metadata.calibration.is_some() && own.stride != preparation.stride {
            return Err(EngineError::Stride { engine: own.stride, asked: preparation.stride });
        }
        self.metadata.preparation = preparation;
        Ok(())
    }

    /// Sets the score that mappings are learnt for. Another score than its own takes mappings and threshold away.
    pub fn set_score(&mut self, score: Score) {
        if self.metadata.architecture.score != score {
            self.metadata.architecture.score = score;
            self.metadata.calibration = None;
            self.weights.set_score(score);
        }
    }

    /// Removes the check for gaps and the balance of distances, which were learnt from good parts.
    #[doc(hidden)]
    pub fn forget_good_parts(&mut self) {
        self.metadata.balance = None;
        self.metadata.gaps = None;
        self.weights.set_gap_places(None);
    }

    /// A copy of the two networks' weights alone.
    #[doc(hidden)]
    pub fn backbones(&self) -> Weights {
        self.weights.networks()
    }
}
