//! Threads and processes that may wait: everything that is not on the way from a frame to the reject output.

/// The niceness of threads that may wait: behind everything else on the machine.
const NICE: i32 = 15;
/// The niceness of a process beside a station: behind those, too.
const NICE_MOST: i32 = 19;

/// Gives the calling thread less priority than those between the camera and the reject output. On Linux each thread has
/// a priority of its own.
pub fn lower() {
    set_nice(NICE);
}

/// Gives the calling thread, and those that it starts from now on, the processor only while nobody else wants it.
pub fn lowest() {
    set_nice(NICE_MOST);
    // SAFETY: a structure of integers, for which zeros are values; some C libraries have further, reserved fields.
    let parameters: libc::sched_param = unsafe { std::mem::zeroed() };
    // SAFETY: 0 is the calling thread, and the parameters live until the call returns.
    if unsafe { libc::sched_setscheduler(0, libc::SCHED_IDLE, &parameters) } != 0 {
        let error = std::io::Error::last_os_error();
        log::debug!("the process is scheduled by its niceness alone: {error}");
    }
}

fn set_nice(nice: i32) {
    if let Err(error) = rustix::process::setpriority_process(None, nice) {
        log::debug!("a thread keeps its priority: {error}");
    }
}
