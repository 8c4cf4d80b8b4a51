//! What a thread needs to be on time, beside a priority above others: memory that stays, and a clock to wait for.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::io::Errno;
use rustix::mm::{MlockAllFlags, mlock, mlockall};
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime,
};

const NS_PER_S: u64 = 1_000_000_000;
/// The bit of CAP_IPC_LOCK in a set of capabilities.
const IPC_LOCK: u32 = 14;

/// Keeps the program's memory in place: all that is mapped now is loaded and locked, and what is mapped later is locked
/// page by page as it is used. If it were loaded whole, a GPU's libraries alone would take hundreds of megabytes. An error
/// if the process may lock only a limited amount, as allocations would fail once that is used up.
pub fn lock_memory() -> io::Result<()> {
    if !may_lock_everything() {
        let reason = "locked memory is limited (ulimit -l): LimitMEMLOCK=infinity in the service lifts that";
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, reason));
    }
    mlockall(MlockAllFlags::CURRENT)?;
    match mlockall(MlockAllFlags::FUTURE | MlockAllFlags::ONFAULT) {
        Err(Errno::INVAL) => {
            log::warn!("this kernel, older than 4.4, locks only whole mappings: the program takes more memory");
            Ok(mlockall(MlockAllFlags::CURRENT | MlockAllFlags::FUTURE)?)
        }
        done => Ok(done?),
    }
}

/// Loads and locks all of the calling thread's stack, which [`lock_memory`] leaves out if the thread starts after it.
pub fn lock_stack() -> io::Result<()> {
    // SAFETY: a structure of integers and addresses, for which zeros are values.
    let mut attributes: libc::pthread_attr_t = unsafe { std::mem::zeroed() };
    let (mut start, mut bytes) = (std::ptr::null_mut(), 0);
    // SAFETY: the thread is the calling one. The first call initialises the attributes, of which the second reads address
    // and size of the stack without its guard, and which the third frees.
    let error = unsafe {
        match libc::pthread_getattr_np(libc::pthread_self(), &mut attributes) {
            0 => {
                let error = libc::pthread_attr_getstack(&attributes, &mut start, &mut bytes);
                libc::pthread_attr_destroy(&mut attributes);
                error
            }
            error => error,
        }
    };
    if error != 0 {
        return Err(io::Error::from_raw_os_error(error));
    }
    // SAFETY: locking changes no memory, and the range is this thread's stack.
    Ok(unsafe { mlock(start, bytes) }?)
}

fn may_lock_everything() -> bool {
    // SAFETY: a structure of integers, for which zeros are values.
    let mut limit: libc::rlimit = unsafe { std::mem::zeroed() };
    // SAFETY: the limit lives until the call returns, which writes nothing else.
    let asked = unsafe { libc::getrlimit(libc::RLIMIT_MEMLOCK, &mut limit) };
    (asked == 0 && limit.rlim_cur == libc::RLIM_INFINITY) || has_ipc_lock()
}

fn has_ipc_lock() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let effective = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
    let set = effective.and_then(|set| u64::from_str_radix(set.trim(), 16).ok());
    set.is_some_and(|set| set >> IPC_LOCK & 1 == 1)
}

/// A file that becomes readable at a time of CLOCK_MONOTONIC.
pub struct Alarm(OwnedFd);

impl Alarm {
    pub fn new() -> io::Result<Self> {
        Ok(Self(timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::CLOEXEC | TimerfdFlags::NONBLOCK)?))
    }

    /// Replaces the time before. A time that has passed is there at once.
    pub fn set(&self, at_ns: u64) -> io::Result<()> {
        // Zero would switch it off.
        let at_ns = at_ns.max(1);
        let at = Timespec { tv_sec: (at_ns / NS_PER_S) as i64, tv_nsec: (at_ns % NS_PER_S) as _ };
        let once = Itimerspec { it_interval: Timespec::default(), it_value: at };
        timerfd_settime(&self.0, TimerfdTimerFlags::ABSTIME, &once)?;
        Ok(())
    }

    pub fn file(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
