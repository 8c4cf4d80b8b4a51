//! Compares every kernel on the first GPU with its CPU twin, and whole frames with the published method's results.

mod anomaly;
mod compare;
mod fit;
pub mod frames;
mod grouping;
mod prepare;
mod products;
mod rates;
mod registration;

use super::device::Device;
use super::error::CudaError;
use crate::backend::BackendError;
use crate::backend::selftest::{Check, Golden, Recorder, Report, nothing_lacks};

type Checks = fn(&Device) -> Result<Vec<Check>, CudaError>;

/// Runs every group of checks, and times `repeats` runs of each golden frame; `more` adds groups to the report. An error
/// of a group is part of the report; only a GPU that cannot be opened is an error.
pub fn run_with(
    golden: &[Golden],
    repeats: usize,
    save: &mut dyn FnMut(&Report),
    more: impl FnOnce(&mut Recorder<'_>),
) -> Result<Report, BackendError> {
    let device = Device::open()?;
    let mut recorder = Recorder::new(device.name.clone(), save);
    let groups: [(&str, Checks); 5] = [
        ("prepare", prepare::checks),
        ("grouping", grouping::checks),
        ("products", products::checks),
        ("anomaly", anomaly::checks),
        ("registration", registration::checks),
    ];
    for (name, checks) in groups {
        recorder.group(name, nothing_lacks, |report| {
            report.checks.extend(checks(&device)?);
            Ok(())
        });
    }
    let mut chip = None;
    if !golden.is_empty() {
        recorder.group("rates of the GPU", nothing_lacks, |report| {
            let rates = rates::measure(&device)?;
            report.rates = Some(rates);
            chip = Some(rates::chip(&rates));
            Ok(())
        });
        recorder.group("times of registration", nothing_lacks, |report| {
            report.times.extend(registration::times(&device, repeats, chip.as_ref())?);
            Ok(())
        });
    }
    // The checks of fits and frames open the device themselves.
    drop(device);
    recorder.group("fit", fit::lacking, |report| {
        report.checks.extend(fit::checks()?);
        Ok(())
    });
    recorder.group("frames of a small engine", nothing_lacks, |report| frames::small(&mut report.checks));
    for frame in golden {
        recorder.group(&frame.name, nothing_lacks, |report| {
            frames::golden(frame, repeats, chip.as_ref(), &mut report.checks, &mut report.times)
        });
    }
    more(&mut recorder);
    Ok(recorder.finish())
}

/// The self-test of a program without TensorRT.
pub fn run(golden: &[Golden], repeats: usize, save: &mut dyn FnMut(&Report)) -> Result<Report, BackendError> {
    run_with(golden, repeats, save, |_| ())
}
