//! TensorRT's plans of an engine's networks: a request for plans, the progress of a build, and the facts of a plan.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use crate::model::engine_file::Storage;
use crate::model::{Architecture, Weights};

/// Plans are taken into use only if every score differs from the CPU's by at most this share of the CPU's score. The
/// bound is chosen, not measured, as no plan was ever run. In ONNX Runtime, the features of these graphs differ by at
/// most 3e-3 of the largest feature (ci/onnx).
pub const SCORE_BOUND: f64 = 0.02;

/// Whether this program was built with TensorRT. Without it, no plan is read.
pub const ARE_READ: bool = cfg!(feature = "tensorrt");

/// The GPU that plans are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// The first GPU of this machine.
    This,
    /// Any GPU of this compute capability, major and minor.
    Capability(i32, i32),
}

/// The library that builds the plans.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Library {
    /// For this machine's GPU, TensorRT if it is installed, else TensorRT-RTX; for other GPUs, the other way round.
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
#[derive(Clone, Copy)]
pub struct Request<'a> {
    pub architecture: &'a Architecture,
    /// Every tensor of [`Architecture::tensors`].
    pub weights: &'a Weights,
    pub target: Target,
    pub library: Library,
    /// The type of the products. Plans in f32 take the place of those in halves whose scores are not the CPU's.
    pub precision: Storage,
    /// The folder of plans. If none is given, the one that [`folder`] finds is used.
    pub cache: Option<&'a Path>,
}

impl<'a> Request<'a> {
    /// A request for the plans in halves that are kept for this machine's GPU, whichever library built them.
    pub fn of_this(architecture: &'a Architecture, weights: &'a Weights) -> Self {
        let (target, library) = (Target::This, Library::Auto);
        Self { architecture, weights, target, library, precision: Storage::F16, cache: None }
    }
}

/// The folder in which plans are kept: `asked` if given, else the service's folder (`CACHE_DIRECTORY`), else
/// `crosscheck` in the user's cache folder (`XDG_CACHE_HOME` or `~/.cache`). None if none of them is known.
pub fn folder(asked: Option<&Path>) -> Option<PathBuf> {
    let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let own = || {
        let home = || variable("HOME").map(|home| home.join(".cache"));
        Some(variable("XDG_CACHE_HOME").or_else(home)?.join("crosscheck"))
    };
    asked.map(PathBuf::from).or_else(|| variable("CACHE_DIRECTORY")).or_else(own)
}

/// The progress of a build: the graph, the phase, and how many of the phase's steps are done.
pub struct Step<'a> {
    pub graph: &'static str,
    pub phase: &'a str,
    pub done: usize,
    /// How many steps the phase has. It is given only at the phase's start.
    pub of: Option<usize>,
}

/// The function that is called at each step of a build, from any thread, and returns whether to go on.
pub type Report<'a> = &'a mut (dyn FnMut(Step<'_>) -> bool + Send);

/// The facts of one plan.
#[derive(Clone, Debug, PartialEq)]
pub struct Facts {
    pub graph: &'static str,
    /// Name and version of the library that the plan is for.
    pub library: String,
    pub target: String,
    /// The type of its products.
    pub precision: Storage,
    pub bytes: usize,
    /// The seconds that the build took; none if the plan was kept already.
    pub build_s: Option<f64>,
    /// The folder in which the plan is kept.
    pub folder: PathBuf,
}

/// What a check of plans on stored frames found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Verdict {
    pub frames: usize,
    /// The largest difference of a score from the CPU's, relative to the CPU's; NaN if a score was NaN.
    pub score_difference: f64,
    /// The median time of a frame, seconds: with the plans, and with the program's own kernels. The latter is none if a
    /// score of theirs was not within [`SCORE_BOUND`].
    pub plans_s: f64,
    pub kernels_s: Option<f64>,
}

impl Verdict {
    /// Whether the plans' scores are the CPU's. A NaN is not.
    pub fn is_right(&self) -> bool {
        self.score_difference <= SCORE_BOUND
    }

    /// Whether the plans are to be used: their scores are the CPU's, and the kernels are not faster.
    pub fn is_for_plans(&self) -> bool {
        self.is_right() && self.kernels_s.is_none_or(|kernels_s| self.plans_s <= kernels_s)
    }
}

/// The difference of the score `got` from the score `want`, relative to `want`; NaN if either is NaN.
pub fn difference(got: f32, want: f32) -> f64 {
    f64::from((got - want).abs()) / f64::from(want.abs().max(f32::MIN_POSITIVE))
}

/// Tries plans in halves, and where their scores are not the CPU's, plans in f32. `attempt` builds the plans whose products
/// have this type and returns what a check found of them, or nothing if they are not checked. Returns the last verdict.
pub fn until_right<E>(mut attempt: impl FnMut(Storage) -> Result<Option<Verdict>, E>) -> Result<Option<Verdict>, E> {
    let in_halves = attempt(Storage::F16)?;
    match in_halves {
        Some(verdict) if !verdict.is_right() => attempt(Storage::F32),
        _ => Ok(in_halves),
    }
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
            _ => capability()
                .ok_or_else(|| "it must be `this`, or `sm` and a compute capability, as in sm86, sm89 or sm120".into()),
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
    fn plans_are_used_where_they_are_right_and_not_slower() {
        let verdict = |score_difference, plans_s, kernels_s| {
            Verdict { frames: 3, score_difference, plans_s, kernels_s }.is_for_plans()
        };
        assert!(verdict(0.01, 0.004, Some(0.005)) && verdict(0.02, 0.004, Some(0.004)) && verdict(0.01, 0.1, None));
        assert!(
            !verdict(0.01, 0.004, Some(0.003)) && !verdict(0.03, 0.004, Some(0.005)) && !verdict(0.03, 0.004, None)
        );
        assert!(!verdict(f64::NAN, 0.004, None));
    }

    #[test]
    fn plans_in_f32_are_tried_where_scores_by_halves_are_wrong() {
        let verdict =
            |score_difference| Some(Verdict { frames: 3, score_difference, plans_s: 0.004, kernels_s: Some(0.001) });
        let tried = |of_halves: Option<Verdict>| {
            let mut tried = Vec::new();
            let last = until_right(|precision| {
                tried.push(precision);
                Ok::<_, ()>(if precision == Storage::F16 { of_halves } else { verdict(0.001) })
            });
            (tried, last.unwrap().map(|verdict| verdict.score_difference))
        };
        let both = vec![Storage::F16, Storage::F32];
        assert_eq!(tried(verdict(0.03)), (both.clone(), Some(0.001)));
        assert_eq!(tried(verdict(f64::NAN)), (both, Some(0.001)));
        // Right but slower than the kernels: f32 would be slower still.
        assert_eq!(tried(verdict(0.01)), (vec![Storage::F16], Some(0.01)));
        assert_eq!(tried(None), (vec![Storage::F16], None));
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
