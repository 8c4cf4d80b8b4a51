//! Compares every kernel on the first GPU with its CPU twin, and whole frames with the published method's results.

mod anomaly;
mod compare;
mod fit;
pub mod frames;
mod grouping;
mod prepare;
mod products;
mod registration;

use super::device::Device;
use crate::backend::BackendError;
use crate::backend::selftest::{Golden, Report};

/// Runs all checks, and times `repeats` runs of each golden frame. An error of the device ends the self-test.
pub fn run(golden: &[Golden], repeats: usize) -> Result<Report, BackendError> {
    let device = Device::open()?;
    let name = device.name.clone();
    let mut checks = prepare::checks(&device)?;
    checks.extend(grouping::checks(&device)?);
    checks.extend(products::checks(&device)?);
    checks.extend(anomaly::checks(&device)?);
    checks.extend(registration::checks(&device)?);
    let mut times = if golden.is_empty() { Vec::new() } else { registration::times(&device, repeats)? };
    // The checks of fits and frames open the device themselves.
    drop(device);
    let mut notes = Vec::new();
    match fit::checks() {
        Ok(found) => checks.extend(found),
        Err(error) if fit::lacking(&error) => notes.push(format!("fit was not tested: {error}")),
        Err(error) => return Err(error),
    }
    frames::small(&mut checks)?;
    for frame in golden {
        frames::golden(frame, repeats, &mut checks, &mut times)?;
    }
    Ok(Report { device: name, checks, times, notes })
}
