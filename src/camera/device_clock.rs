//! A device's time on the station's clock.

use rustix::time::{ClockId, clock_gettime};

use crate::clock::monotonic_ns;

/// A timestamp that is off by more than this means that the clock was set, or that a recording began again.
const OFF_NS_MAX: i64 = 1_000_000_000;
/// How much slower than the station's clock a device's may be, billionths: quartzes stay within 100 millionths.
const SLOWER_MAX: i64 = 200_000;

/// What a timestamp counts from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Domain {
    /// The device's start, or a recording's.
    Device,
    /// 1970, on this machine.
    Realtime,
}

/// Brings timestamps to CLOCK_MONOTONIC.
///
/// A device's own clock is tied to it by arrivals: a frame cannot arrive before it was captured, and the fastest one took
/// next to no time beyond what all of them take. So the least difference of arrival and timestamp is kept, and raised
/// slowly, for a device whose clock is slower.
#[derive(Debug, Default)]
pub struct Clock {
    /// Arrival less timestamp, nanoseconds, and the arrival that it holds for.
    kept: Option<(i64, u64)>,
}

impl Clock {
    /// The capture's time, at most `arrived_ns`. `realtime_ahead_ns`: CLOCK_REALTIME less CLOCK_MONOTONIC at the arrival.
    pub fn monotonic_ns(&mut self, domain: Domain, timestamp_ns: i64, arrived_ns: u64, realtime_ahead_ns: i64) -> u64 {
        let arrived = arrived_ns as i64;
        if domain == Domain::Realtime {
            let captured = timestamp_ns.saturating_sub(realtime_ahead_ns);
            // A recording's is of another day.
            if (arrived - OFF_NS_MAX..=arrived).contains(&captured) {
                return captured.max(0) as u64;
            }
        }
        let found = arrived.saturating_sub(timestamp_ns);
        let least = match self.kept {
            Some((kept, at_ns)) if found.saturating_sub(kept) < OFF_NS_MAX => {
                let passed_ns = arrived_ns.saturating_sub(at_ns) as i64;
                found.min(kept + passed_ns / 1_000 * SLOWER_MAX / 1_000_000)
            }
            _ => found,
        };
        self.kept = Some((least, arrived_ns));
        timestamp_ns.saturating_add(least).max(0) as u64
    }
}

/// CLOCK_REALTIME less CLOCK_MONOTONIC, nanoseconds.
pub fn realtime_ahead_ns() -> i64 {
    let now = clock_gettime(ClockId::Realtime);
    (now.tv_sec * 1_000_000_000 + now.tv_nsec).saturating_sub(monotonic_ns() as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    /// The largest error of capture times, microseconds, after the first second: frames 33 ms apart that take 8 ms and up to
    /// 20 ms more on their way, on a device whose clock runs `faster_ppm` faster.
    fn error_us_max(faster_ppm: f64) -> f64 {
        let (mut clock, mut random) = (Clock::default(), fastrand::Rng::with_seed(1));
        let mut worst: f64 = 0.0;
        for i in 0..20_000u64 {
            let captured_ns = 5_000 * MS + i * 33 * MS;
            let device_ns = ((i * 33 * MS) as f64 * (1.0 + 1e-6 * faster_ppm)) as i64;
            let arrived_ns = captured_ns + 8 * MS + random.u64(0..20 * MS);
            let found = clock.monotonic_ns(Domain::Device, device_ns, arrived_ns, 0);
            assert!(found <= arrived_ns);
            // What every frame takes at least cannot be known.
            if i > 300 {
                worst = worst.max((found as f64 - (captured_ns + 8 * MS) as f64).abs() / 1e3);
            }
        }
        worst
    }

    #[test]
    fn a_devices_time_is_found_through_jitter_and_drift() {
        for faster_ppm in [-100.0, -20.0, 0.0, 20.0, 100.0] {
            let error = error_us_max(faster_ppm);
            assert!(error < 3_000.0, "{faster_ppm} ppm: off by {error} us");
        }
    }

    #[test]
    fn a_recording_that_begins_again_begins_a_new_time() {
        let mut clock = Clock::default();
        let first = clock.monotonic_ns(Domain::Device, 100 * MS as i64, 1_000 * MS, 0);
        let last = clock.monotonic_ns(Domain::Device, 60_100 * MS as i64, 61_000 * MS, 0);
        let again = clock.monotonic_ns(Domain::Device, 100 * MS as i64, 61_033 * MS, 0);
        assert_eq!((first, last, again), (1_000 * MS, 61_000 * MS, 61_033 * MS));
        // And one that jumps forward, which looks like frames that arrive before they were captured.
        assert_eq!(clock.monotonic_ns(Domain::Device, 90_000 * MS as i64, 61_066 * MS, 0), 61_066 * MS);
    }

    #[test]
    fn real_time_is_exact_where_it_is_this_machines() {
        let mut clock = Clock::default();
        let ahead = 1_700_000_000_000 * MS as i64;
        let stamp = |monotonic_ms: u64| ahead + (monotonic_ms * MS) as i64;
        let other_day = 90_000_000 * MS as i64;
        assert_eq!(clock.monotonic_ns(Domain::Realtime, stamp(980), 1_000 * MS, ahead), 980 * MS);
        // A recording of another day is tied to its arrivals.
        assert_eq!(clock.monotonic_ns(Domain::Realtime, stamp(0) - other_day, 1_033 * MS, ahead), 1_033 * MS);
        assert_eq!(clock.monotonic_ns(Domain::Realtime, stamp(33) - other_day, 1_080 * MS, ahead), 1_066 * MS + 9_400);
    }
}
