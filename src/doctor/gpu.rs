//! Checks what the CUDA back end finds on this machine: driver, GPU, kernels and cuBLAS.

use super::finding::Finding;
use crate::backend::gpu_report::{GpuFacts, GpuReport};
use crate::backend::{self, BackendError};

/// What to do about an error that names its remedy: nothing else is needed for a station on the CPU.
const FIX: &str = "do what the error says; until then, a station with engine.backend = \"cpu\" needs no GPU";

/// Nothing is found without a driver, which another check reports.
pub fn examine() -> Vec<Finding> {
    match backend::examine_gpu() {
        Ok(report) => findings(&report),
        Err(BackendError::NotBuilt) => vec![Finding::note("cuda.program", BackendError::NotBuilt.to_string())],
        Err(_) => Vec::new(),
    }
}

fn findings(report: &GpuReport) -> Vec<Finding> {
    let GpuReport { driver: (major, minor), gpu } = report;
    let driver = Finding::ok("cuda.driver", format!("the driver is for CUDA {major}.{minor}"));
    match gpu {
        Ok(facts) => [driver].into_iter().chain(parts(facts)).collect(),
        Err(error) => vec![driver, Finding::warning("cuda.gpu", error.to_string(), FIX)],
    }
}

fn parts(facts: &GpuFacts) -> [Finding; 3] {
    let GpuFacts { name, capability: (major, minor), multiprocessors, memory_free, memory_total, kernels, blas } =
        facts;
    let found = format!(
        "{name}, compute capability {major}.{minor}, {multiprocessors} multiprocessors, {} MB of its {} MB of memory are free",
        memory_free >> 20,
        memory_total >> 20
    );
    [
        Finding::ok("cuda.gpu", found),
        match kernels {
            Ok(()) => Finding::ok("cuda.kernels", "the driver compiles the kernels for this GPU"),
            Err(error) => Finding::warning("cuda.kernels", error.to_string(), FIX),
        },
        match blas {
            Ok((major, minor)) => Finding::ok("cuda.cublas", format!("cuBLAS {major}.{minor}, for a fit on the GPU")),
            Err(error) => Finding::note("cuda.cublas", format!("only a fit on the GPU needs it: {error}")),
        },
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::finding::Status;

    #[test]
    fn every_part_that_is_missing_is_named_with_its_fix() {
        let facts = |kernels, blas| GpuFacts {
            name: "a GPU".into(),
            capability: (8, 7),
            multiprocessors: 8,
            memory_free: 3 << 30,
            memory_total: 4 << 30,
            kernels,
            blas,
        };
        let statuses = |gpu| {
            let found = findings(&GpuReport { driver: (12, 2), gpu });
            assert!(found.iter().all(|finding| (finding.status == Status::Warning) == finding.fix.is_some()));
            found.into_iter().map(|finding| (finding.name, finding.status)).collect::<Vec<_>>()
        };
        let of = |name: &str, status| (name.to_string(), status);
        let whole = statuses(Ok(facts(Ok(()), Ok((12, 6)))));
        assert!(whole.len() == 4 && whole.iter().all(|(_, status)| *status == Status::Ok), "{whole:?}");
        let lacking = statuses(Ok(facts(Err(BackendError::NotFitted), Err(BackendError::NotFitted))));
        assert_eq!(lacking[2..], [of("cuda.kernels", Status::Warning), of("cuda.cublas", Status::Note)]);
        let none = statuses(Err(BackendError::NotFitted));
        assert_eq!(none, [of("cuda.driver", Status::Ok), of("cuda.gpu", Status::Warning)]);
    }
}
