//! How long to wait before the next attempt to connect.

use std::time::Duration;

const FIRST: Duration = Duration::from_secs(1);
pub const LONGEST: Duration = Duration::from_secs(60);

/// Pauses that double from one attempt to the next. Each is cut by a random part of its half, so that the stations of a
/// plant do not come back all at once to a broker that was away.
pub struct Backoff {
    pause: Duration,
}

impl Backoff {
    pub fn new() -> Self {
        Self { pause: FIRST }
    }

    pub fn reset(&mut self) {
        self.pause = FIRST;
    }

    pub fn next(&mut self) -> Duration {
        let pause = self.pause;
        self.pause = (2 * pause).min(LONGEST);
        pause.mul_f64(1.0 - 0.5 * fastrand::f64())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest_and_differ() {
        let mut backoff = Backoff::new();
        for seconds in [1, 2, 4, 8, 16, 32, 60, 60, 60] {
            let (most, pause) = (Duration::from_secs(seconds), backoff.next());
            assert!(pause > most / 2 - Duration::from_millis(1) && pause <= most, "{pause:?} of {most:?}");
        }
        let mut longest: Vec<Duration> = (0..8).map(|_| backoff.next()).collect();
        longest.dedup();
        assert!(longest.len() > 1, "{longest:?}");
        backoff.reset();
        assert!(backoff.next() <= FIRST);
    }
}
