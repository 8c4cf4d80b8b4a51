//! The station's one clock.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustix::time::{ClockId, clock_gettime};

/// CLOCK_MONOTONIC, nanoseconds: what captures, triggers and deadlines are compared by. It never jumps.
pub fn monotonic_ns() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64
}

/// The time from one moment of [`monotonic_ns`] to another; none has passed if the other is earlier.
pub fn between(from_ns: u64, to_ns: u64) -> Duration {
    Duration::from_nanos(to_ns.saturating_sub(from_ns))
}

/// Milliseconds since 1970 at a moment of [`monotonic_ns`].
pub fn unix_ms(at_ns: u64) -> u64 {
    let ago = between(at_ns, monotonic_ns());
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    since_1970.saturating_sub(ago).as_millis() as u64
}
