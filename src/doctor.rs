//! Checks whether a station can run well on this machine, and gives a fix for each finding.

mod accelerators;
mod audit;
mod finding;
mod genicam;
pub mod gpio;
mod gpu;
mod machine;
mod space;
mod station;
mod system;
mod trace;

use crate::config::Station;
pub use finding::{Finding, Status};
pub use system::System;

/// Runs every check; without a configuration, only the checks of the machine.
pub fn examine(system: &System, station: Option<&Station>) -> Vec<Finding> {
    let mut findings = machine::examine(system, station);
    findings.extend(gpio::examine(station));
    findings.extend(station.into_iter().flat_map(station::examine));
    findings.extend(accelerators::examine(system));
    findings.extend(gpu::examine());
    findings
}
