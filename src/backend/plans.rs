//! Plans of an engine's networks for a GPU, as they are asked for and what came of it.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use crate::model::{Architecture, Weights};

/// How far a score may be from the CPU's, of the CPU's, for plans to be taken into use. Chosen, not measured, as no plan
/// ever ran; in ONNX Runtime features of these graphs are within 3e-3 of their largest (ci/onnx).
pub const SCORE_BOUND: f64 = 0.02;

/// Whether this program was built with TensorRT, without which no plan is read.
pub const ARE_READ: bool = cfg!(feature = "tensorrt");

/// The GPU that plans are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// The first GPU of this machine.
    This,
    /// Any of this compute capability.
    Capability(i32, i32),
}

/// Which library builds them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Library {
    /// TensorRT for this machine's GPU where it is there; TensorRT-RTX otherwise.
    #[default]
    Auto,
    TensorRt,
    Rtx,
}

crate::words::words!(Library {
    Auto = "auto",
    TensorRt = "tensorrt",
    Rtx = "tensorrt-rtx",
});

/// A request for plans.
pub struct Request<'a> {
    pub architecture: &'a Architecture,
    /// Every tensor of [`Architecture::tensors`].
    pub weights: &'a Weights,
    pub target: Target,
    pub library: Library,
    /// Folder of plans; the user's own, or the service's, with none.
    pub cache: Option<&'a Path>,
}

impl<'a> Request<'a> {
    /// Whatever is kept for this machine's GPU.
    pub fn of_this(architecture: &'a Architecture, weights: &'a Weights) -> Self {
        Self { architecture, weights, target: Target::This, library: Library::Auto, cache: None }
    }
}

/// Where plans are kept: in `asked`, or where a service (`CACHE_DIRECTORY`) or a person keeps such things.
pub fn folder(asked: Option<&Path>) -> Option<PathBuf> {
    let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let own = || {
        let home = || variable("HOME").map(|home| home.join(".cache"));
        Some(variable("XDG_CACHE_HOME").or_else(home)?.join("crosscheck"))
    };
    asked.map(PathBuf::from).or_else(|| variable("CACHE_DIRECTORY")).or_else(own)
}

/// The progress of a build: the graph, the phase, and how many of its steps are done.
pub struct Step<'a> {
    pub graph: &'static str,
    pub phase: &'a str,
    pub done: usize,
    /// Told with a phase's first.
    pub of: Option<usize>,
}

/// One plan.
#[derive(Clone, Debug, PartialEq)]
pub struct Facts {
    pub graph: &'static str,
    /// Library and version.
    pub library: String,
    pub target: String,
    pub bytes: usize,
    /// None where it was there already.
    pub build_s: Option<f64>,
    /// The folder that it is kept in.
    pub folder: PathBuf,
}

/// The distance of a score from the wanted one, relative to the wanted one; NaN where either is NaN.
pub fn difference(got: f32, want: f32) -> f64 {
    f64::from((got - want).abs()) / f64::from(want.abs().max(f32::MIN_POSITIVE))
}

impl FromStr for Target {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let capability = || {
            let number: i32 = text.strip_prefix("sm")?.parse().ok()?;
            (50..1000).contains(&number).then_some(Self::Capability(number / 10, number % 10))
        };
        match text {
            "this" => Ok(Self::This),
            _ => capability().ok_or_else(|| "it is this, or sm and a compute capability: sm86, sm89, sm120".into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_are_compared_by_the_wanted_one() {
        assert_eq!(difference(1.5, 2.0), 0.25);
        assert!(difference(f32::NAN, 2.0).is_nan() && difference(1.0, 0.0) > 1.0);
    }

    #[test]
    fn targets_are_read() {
        assert_eq!("this".parse(), Ok(Target::This));
        assert_eq!("sm89".parse(), Ok(Target::Capability(8, 9)));
        assert_eq!("sm120".parse(), Ok(Target::Capability(12, 0)));
        for text in ["", "sm", "89", "sm8", "sm-89", "sm99999999999"] {
            text.parse::<Target>().unwrap_err();
        }
    }
}
