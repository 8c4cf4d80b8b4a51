//! The self-test with the networks on the GPU too: it builds the plans of the golden frames' engines itself.

use super::cache::Cache;
use super::error::TensorRtError;
use super::library::Library;
use super::set::Set;
use crate::backend::cuda;
use crate::backend::cuda::selftest::frames::{Bounds, hold};
use crate::backend::plans::{Request, SCORE_BOUND};
use crate::backend::selftest::{Golden, Recorder, Report};
use crate::backend::{BackendError, Evaluation, plans};
use crate::model::seeded;

/// The differences from float64 that are allowed with networks in halves. They were not measured on a GPU: in ONNX
/// Runtime, the features of these graphs differ by at most 3e-3 of the largest feature, and psi is a distance of two
/// features.
const BOUNDS: Bounds = Bounds { psi: 1e-2, map: SCORE_BOUND, score: SCORE_BOUND };

/// Runs the CUDA back end's self-test, and each golden frame with the plans of each library that is installed.
pub fn run(golden: &[Golden], repeats: usize, save: &mut dyn FnMut(&Report)) -> Result<Report, BackendError> {
    cuda::selftest::run_with(golden, repeats, save, |recorder| by_libraries(golden, Library::all(), recorder))
}

/// Without a library, the report gets a note; a library that fails on a frame is a failure of that frame's group.
fn by_libraries(golden: &[Golden], libraries: Result<Vec<Library>, TensorRtError>, recorder: &mut Recorder<'_>) {
    let libraries = match libraries {
        Ok(libraries) => libraries,
        Err(error) => return recorder.group("TensorRT", is_missing, |_| Err(error.into())),
    };
    for library in libraries {
        for frame in golden {
            let name = format!("{}, {}", frame.name, library.name());
            recorder.group(&name, is_missing, |report| by_library(library, frame, &name, report));
        }
    }
}

/// Whether a library is not installed, or is another one than the program was built for.
fn is_missing(error: &BackendError) -> bool {
    let missing = |error: &TensorRtError| {
        matches!(error, TensorRtError::Missing { .. } | TensorRtError::Version { .. } | TensorRtError::NoHeaders)
    };
    matches!(error, BackendError::TensorRt(error) if missing(error))
}

fn by_library(library: Library, frame: &Golden, name: &str, report: &mut Report) -> Result<(), BackendError> {
    let weights = seeded::weights(&frame.architecture, frame.weight_seed);
    let folder = tempfile::tempdir()
        .map_err(|error| TensorRtError::Write { path: std::env::temp_dir(), reason: error.to_string() })?;
    let request = Request::of_this(&frame.architecture, &weights);
    let target = super::set::target_of(&library, &cuda::gpu()?);
    let set = Set::new(library, target, request.precision, super::set::models(&request)?);
    let cache = Cache::new(Some(folder.path()))?;
    let log = |step: plans::Step<'_>| {
        if step.done == 0 {
            log::info!("{}: {}", step.graph, step.phase);
        }
        true
    };
    set.build(&cache, &mut { log })?;
    let plans = set.read(&cache)?.ok_or(TensorRtError::NoPlans)?;
    let mut backend = set.open(&plans, &cache, (&frame.architecture, &weights), Evaluation::default())?;
    hold(&mut backend, frame, name, &BOUNDS, &mut report.checks)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::selftest::Check;

    /// The report of a self-test that has made one check, and goes on with TensorRT.
    fn report(libraries: Result<Vec<Library>, TensorRtError>) -> Report {
        let mut save = |_: &Report| ();
        let mut recorder = Recorder::new("a GPU".into(), &mut save);
        recorder.group(
            "kernels",
            |_| false,
            |report| {
                let (what, kernels) = ("sums".into(), "sum".into());
                report.checks.push(Check { what, kernels, twin: "the CPU", error: 0.0, bound: 0.0 });
                Ok(())
            },
        );
        by_libraries(&[], libraries, &mut recorder);
        recorder.finish()
    }

    #[test]
    fn what_tensorrt_lacks_discards_no_check() {
        let missing = report(Err(TensorRtError::NoHeaders));
        assert!(missing.passes() && missing.checks.len() == 1, "{missing:?}");
        assert!(missing.notes[0].starts_with("TensorRT was not tested: "), "{:?}", missing.notes);
        let broken = report(Err(TensorRtError::NoPlans));
        assert!(!broken.passes() && broken.checks.len() == 1 && broken.failures.len() == 1, "{broken:?}");
    }
}
