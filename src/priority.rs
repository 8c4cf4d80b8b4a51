//! Threads that may wait: everything that is not on the way from a frame to the reject output.

/// The niceness of threads that may wait: behind everything else on the machine.
const NICE: i32 = 15;

/// Gives the calling thread less priority than those between the camera and the reject output. On Linux each thread has
/// a priority of its own.
pub fn lower() {
    if let Err(error) = rustix::process::setpriority_process(None, NICE) {
        log::debug!("a thread keeps its priority: {error}");
    }
}
