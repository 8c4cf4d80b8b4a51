//! Threads and processes that may wait, which is everything that is not on the way from a frame to the reject output; and
//! those that may not.

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
    if let Err(error) = set_policy(libc::SCHED_IDLE, 0) {
        log::debug!("the process is scheduled by its niceness alone: {error}");
    }
}

/// Gives the calling thread a SCHED_FIFO priority, 1 to 99, before every thread that has none.
pub fn real_time(priority: u8) -> std::io::Result<()> {
    set_policy(libc::SCHED_FIFO, priority.into())
}

fn set_policy(policy: i32, priority: i32) -> std::io::Result<()> {
    // SAFETY: a structure of integers, for which zeros are values; some C libraries have further, reserved fields.
    let mut parameters: libc::sched_param = unsafe { std::mem::zeroed() };
    parameters.sched_priority = priority;
    // SAFETY: 0 is the calling thread, and the parameters live until the call returns.
    match unsafe { libc::sched_setscheduler(0, policy, &parameters) } {
        0 => Ok(()),
        _ => Err(std::io::Error::last_os_error()),
    }
}

fn set_nice(nice: i32) {
    if let Err(error) = rustix::process::setpriority_process(None, nice) {
        log::debug!("a thread keeps its priority: {error}");
    }
}
