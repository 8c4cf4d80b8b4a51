//! The self-test with the networks on the GPU too: it builds the plans of the golden frames' engines itself.

use super::cache::Cache;
use super::error::TensorRtError;
use super::library::Library;
use super::set::Set;
use crate::backend::cuda;
use crate::backend::cuda::selftest::frames::{Bounds, hold};
use crate::backend::plans::{Request, SCORE_BOUND};
use crate::backend::selftest::{Golden, Report};
use crate::backend::{BackendError, plans};
use crate::model::seeded;

/// The differences from float64 that are allowed with networks in halves. They were not measured on a GPU: in ONNX
/// Runtime, the features of these graphs differ by at most 3e-3 of the largest feature, and psi is a distance of two
/// features.
const BOUNDS: Bounds = Bounds { psi: 1e-2, map: SCORE_BOUND, score: SCORE_BOUND };

/// Runs the CUDA back end's self-test, and each golden frame with the plans of each library that is installed.
pub fn run(golden: &[Golden], repeats: usize) -> Result<Report, BackendError> {
    let mut report = cuda::selftest::run(golden, repeats)?;
    match Library::all() {
        Ok(libraries) => {
            for (library, frame) in
                libraries.iter().flat_map(|library| golden.iter().map(move |frame| (library, frame)))
            {
                by_library(*library, frame, &mut report)?;
            }
        }
        Err(error) => report.notes.push(format!("TensorRT was not tested: {error}")),
    }
    Ok(report)
}

fn by_library(library: Library, frame: &Golden, report: &mut Report) -> Result<(), BackendError> {
    let weights = seeded::weights(&frame.architecture, frame.weight_seed);
    let folder = tempfile::tempdir()
        .map_err(|error| TensorRtError::Write { path: std::env::temp_dir(), reason: error.to_string() })?;
    let request = Request::of_this(&frame.architecture, &weights);
    let target = super::set::target_of(&library, &cuda::gpu()?);
    let set = Set::new(library, target, super::set::models(&request)?);
    let cache = Cache::new(Some(folder.path()))?;
    let log = |step: plans::Step<'_>| {
        if step.done == 0 {
            log::info!("{}: {}", step.graph, step.phase);
        }
        true
    };
    set.build(&cache, &mut { log })?;
    let plans = set.read(&cache)?.ok_or(TensorRtError::NoPlans)?;
    let mut backend = set.open(&plans, &frame.architecture, &weights)?;
    hold(&mut backend, frame, &format!("{}, {}", frame.name, library.name()), &BOUNDS, &mut report.checks)
}
