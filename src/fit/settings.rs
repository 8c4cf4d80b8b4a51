//! How a fit learns, what it keeps on the way, and how far it is.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::{Score, Variant};
use crate::words::words;

/// Whether a fit learns from turned copies of its frames.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Turned {
    /// Where they lower the loss of frames that are held out, which are not turned.
    Auto,
    /// Not at all.
    #[default]
    Never,
    /// Without trying whether they help.
    Always,
}

words!(serde Turned {
    Auto = "auto",
    Never = "never",
    Always = "always",
});

/// How the learning rate changes over the steps of a fit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Decay {
    /// It stays what it is: the published choice.
    #[default]
    None,
    /// It falls to 0 as half a period of a cosine does.
    Cosine,
}

words!(serde Decay {
    None = "none",
    Cosine = "cosine",
});

/// How the mappings are learnt.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct FitSettings {
    /// Passes over the frames, each of which is seen as it is or as one of its copies; the paper's 250.
    pub epochs: usize,
    /// Pixels of one step.
    pub pixels: usize,
    /// Draws of frames, pixels and first weights follow from it.
    pub seed: u64,
    /// Share of the frames that is only reported on.
    pub held_out: f64,
    /// The score that the mappings are learnt for; the engine's own if there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score: Option<Score>,
    /// Shifted copies of each frame.
    #[serde(default)]
    pub copies: usize,
    /// Turned copies of each frame.
    #[serde(default)]
    pub turned: Turned,
    /// How the learning rate changes.
    #[serde(default)]
    pub decay: Decay,
    /// Whether the check for gaps is learnt.
    #[serde(default)]
    pub gaps: bool,
}

impl Default for FitSettings {
    /// The published protocol.
    fn default() -> Self {
        let (turned, decay) = (Turned::Never, Decay::None);
        Self { epochs: 250, pixels: 2048, seed: 0, held_out: 0.1, score: None, copies: 0, turned, decay, gaps: false }
    }
}

impl FitSettings {
    /// The published protocol for the published variants. The built-in engine's networks are small and are learnt from few
    /// frames, which copies and a decaying rate make more of.
    pub fn of(variant: Variant) -> Self {
        match variant {
            Variant::Default => {
                Self { copies: 3, turned: Turned::Auto, decay: Decay::Cosine, gaps: true, ..Self::default() }
            }
            _ => Self::default(),
        }
    }
}

/// Where and how often a fit stores the state from which it can go on.
#[derive(Clone, Debug, PartialEq)]
pub struct Keep {
    /// The file that the state is kept in.
    pub path: PathBuf,
    /// The state is stored after the first epoch that ends at least this long after the last time, and when the fit is
    /// stopped.
    pub every: Duration,
    /// Go on from the state that is there.
    pub resume: bool,
}

/// Where a fit is, after each epoch.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Progress {
    /// Whether this is one of the short fits that find out whether turned copies help; `epochs` are its own then.
    pub is_trial: bool,
    /// Counted from 1.
    pub epoch: usize,
    /// The last epoch.
    pub epochs: usize,
    /// Mean loss (2) over the epoch's steps: both terms, 0 when prediction and observation agree.
    pub loss: f64,
    /// On the frames held out; none when there are too few to hold one out.
    pub held_out_loss: Option<f64>,
}
