//! Threads that may wait: everything that is not on the way from a frame to the reject output.

/// Behind everything else on the machine.
const NICE: i32 = 15;

/// Puts the calling thread behind the line's. On Linux a priority is a thread's own.
pub fn lower() {
    if let Err(error) = rustix::process::setpriority_process(None, NICE) {
        log::debug!("a thread keeps its priority: {error}");
    }
}
