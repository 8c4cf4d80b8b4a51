//! How a fit learns, what it keeps on the way, and how far it is.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::Score;

/// How the mappings are learnt.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct FitSettings {
    /// Passes over the frames; the paper's 250.
    pub epochs: usize,
    /// Pixels of one step.
    pub pixels: usize,
    pub seed: u64,
    /// Share of the frames that is only reported on.
    pub held_out: f64,
    /// The score that the mappings are learnt for; the engine's own if there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score: Option<Score>,
}

impl Default for FitSettings {
    fn default() -> Self {
        Self { epochs: 250, pixels: 2048, seed: 0, held_out: 0.1, score: None }
    }
}

/// Where and how often a fit stores the state from which it can go on.
#[derive(Clone, Debug, PartialEq)]
pub struct Keep {
    pub path: PathBuf,
    /// The state is stored after the first epoch that ends at least this long after the last time, and when the fit is
    /// stopped.
    pub every: Duration,
    /// Go on from the state that is there.
    pub resume: bool,
}

/// Where a fit is, after each epoch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Progress {
    /// Counted from 1.
    pub epoch: usize,
    pub epochs: usize,
    /// Mean loss (2) over the epoch's steps: both terms, 0 when prediction and observation agree.
    pub loss: f64,
    /// On the frames held out; none when there are too few to hold one out.
    pub held_out_loss: Option<f64>,
}
