//! How the steps of a lesson work.

use std::path::PathBuf;

use super::revision::How;

/// How the steps work.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Settings {
    /// Passes over the frames; what suits the engine if there is none.
    pub epochs: Option<usize>,
    /// The largest expected share of good parts that are rejected; what the parts support if there is none.
    pub false_reject_rate: Option<f64>,
    /// The configuration of the station that is to have the recipe.
    pub config: Option<PathBuf>,
    /// How a recipe is revised.
    pub how: How,
    /// The recipe whose reviewed parts it is revised by, 0 for that of `[engine]`; the lesson's own if there is none.
    pub of: Option<u16>,
}
