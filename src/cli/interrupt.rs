//! Stops a command on Ctrl-C or SIGTERM.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use anyhow::{Context, Result};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::flag;

/// The exit code of a program that was ended by the user.
const INTERRUPTED: i32 = 130;

/// A flag that Ctrl-C or a termination signal sets; the second such signal ends the program at once.
pub fn stop_on_interrupt() -> Result<Arc<AtomicBool>> {
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM, SIGHUP] {
        // Registered before the handler that sets the flag, so that only the second signal finds it set.
        let ends = flag::register_conditional_shutdown(signal, INTERRUPTED, stop.clone());
        ends.and_then(|_| flag::register(signal, stop.clone())).context("cannot watch for Ctrl-C")?;
    }
    Ok(stop)
}
