//! What a process beside a station owes it: it takes no time from the station, and ends with it.

use rustix::process::{Pid, Signal, getppid, set_parent_process_death_signal};
use thiserror::Error;

use crate::priority;

/// The process for which the work is done has ended.
#[derive(Debug, Error)]
#[error("the process {parent} that asked for this has ended, or it is not the parent of this one")]
pub struct ParentGone {
    parent: i32,
}

/// Gives the processor to everybody else. Called by the first thread before there are others: they inherit the priority.
pub fn step_back() {
    priority::lowest();
}

/// SIGTERM comes to this process when the thread of its `parent` that has started it ends.
pub fn end_with(parent: i32) -> Result<(), ParentGone> {
    if let Err(error) = set_parent_process_death_signal(Some(Signal::TERM)) {
        log::warn!("this process will not notice when process {parent} ends: {error}");
    }
    // It may have ended before the line above: then another process is the parent by now.
    match getppid() == Pid::from_raw(parent) {
        true => Ok(()),
        false => Err(ParentGone { parent }),
    }
}
