//! When the frames of a source that is no sensor are due.

use std::time::Duration;

use crate::clock;

/// Keeps a source's time as a sensor would: a frame that nobody fetched before the next one was due is lost.
#[derive(Debug)]
pub struct Pace {
    /// The frame that is due next.
    sequence: u64,
    due_ns: u64,
}

/// The frame that a source has to show.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Due {
    pub sequence: u64,
    pub at_ns: u64,
}

impl Pace {
    /// The first frame is due at once.
    pub fn start() -> Self {
        Self { sequence: 0, due_ns: clock::monotonic_ns() }
    }

    /// Number of the frame that is due next.
    pub fn sequence(&self) -> u64 {
        self.sequence
    }

    /// Sleeps until the next frame is due, or `wait`, whichever is shorter. `interval_ns` tells the time between
    /// a frame and the one after it; without one, a frame is due whenever it is asked for.
    pub fn wait(&mut self, wait: Duration, interval_ns: impl Fn(u64) -> Option<u64>) -> Option<Due> {
        let mut now = clock::monotonic_ns();
        let Some(mut interval) = interval_ns(self.sequence) else {
            return Some(self.take(now, now));
        };
        if self.due_ns > now {
            let ahead = Duration::from_nanos(self.due_ns - now);
            std::thread::sleep(ahead.min(wait));
            if ahead > wait {
                return None;
            }
            now = clock::monotonic_ns();
        }
        while self.due_ns + interval <= now {
            self.take(self.due_ns, self.due_ns + interval);
            interval = interval_ns(self.sequence).unwrap_or(interval);
        }
        Some(self.take(self.due_ns, self.due_ns + interval))
    }

    fn take(&mut self, at_ns: u64, next_ns: u64) -> Due {
        let due = Due { sequence: self.sequence, at_ns };
        self.sequence += 1;
        self.due_ns = next_ns;
        due
    }
}

/// Nanoseconds between frames at `per_second`, at least one, so that skipping what is lost ends.
pub fn interval_ns(per_second: f64) -> u64 {
    ((1e9 / per_second) as u64).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_come_at_their_rate_and_carry_the_time_they_were_due() {
        let mut pace = Pace::start();
        let due = |pace: &mut Pace| loop {
            if let Some(due) = pace.wait(Duration::from_millis(1), |_| Some(3_000_000)) {
                return due;
            }
        };
        let frames = [(); 4].map(|()| due(&mut pace));
        for pair in frames.windows(2) {
            let skipped = pair[1].sequence - pair[0].sequence;
            assert_eq!(pair[1].at_ns - pair[0].at_ns, 3_000_000 * skipped);
        }
        assert!(clock::monotonic_ns() >= frames[3].at_ns);
    }

    #[test]
    fn a_frame_that_nobody_fetched_is_lost_and_its_number_is_left_out() {
        let mut pace = Pace::start();
        let first = pace.wait(Duration::ZERO, |_| Some(2_000_000)).unwrap();
        std::thread::sleep(Duration::from_millis(9));
        let next = pace.wait(Duration::ZERO, |_| Some(2_000_000)).unwrap();
        assert!(next.sequence >= first.sequence + 4, "{next:?}");
        assert_eq!(next.at_ns, first.at_ns + 2_000_000 * next.sequence);
    }

    #[test]
    fn as_asked_gives_every_number() {
        let mut pace = Pace::start();
        let numbers = [(); 3].map(|()| pace.wait(Duration::ZERO, |_| None).unwrap().sequence);
        assert_eq!(numbers, [0, 1, 2]);
    }

    #[test]
    fn a_wait_that_is_too_short_gives_nothing_and_loses_nothing() {
        let mut pace = Pace::start();
        pace.wait(Duration::ZERO, |_| Some(50_000_000)).unwrap();
        assert_eq!(pace.wait(Duration::from_millis(1), |_| Some(50_000_000)), None);
        assert_eq!(pace.sequence, 1);
    }
}
