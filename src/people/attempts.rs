//! How often somebody may be wrong: a password or a token that is guessed is found by trying many.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

use crate::locked::locked;

/// Number of failures within [`FAILED_WITHIN`] after which even what is right is refused.
pub const FAILED_MAX: u32 = 10;
pub const FAILED_WITHIN: Duration = Duration::from_secs(60);

/// Too many attempts failed before this one, which was not made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooOften;

/// The failures of a bounded number of keys, such as addresses.
pub struct Attempts<K> {
    failed: Mutex<VecDeque<Failed<K>>>,
    /// Number of keys that are remembered.
    keys_max: usize,
}

struct Failed<K> {
    key: K,
    since: Instant,
    count: u32,
}

impl<K: PartialEq> Attempts<K> {
    pub fn new(keys_max: usize) -> Self {
        Self { failed: Mutex::default(), keys_max }
    }

    /// Makes an attempt, unless too many failed. The inner error is how many have failed by now. One attempt is made at a
    /// time, so that no more than are counted can be made at once.
    pub fn make<T>(
        &self,
        key: K,
        now: Instant,
        attempt: impl FnOnce() -> Option<T>,
    ) -> Result<Result<T, u32>, TooOften> {
        let mut failed = self.failed();
        failed.retain(|failed| now.saturating_duration_since(failed.since) < FAILED_WITHIN);
        if failed.iter().any(|failed| failed.key == key && failed.count >= FAILED_MAX) {
            return Err(TooOften);
        }
        if let Some(done) = attempt() {
            return Ok(Ok(done));
        }
        if let Some(failed) = failed.iter_mut().find(|failed| failed.key == key) {
            failed.count += 1;
            return Ok(Err(failed.count));
        }
        if failed.len() >= self.keys_max {
            // Whoever has been wrong least is forgotten, so that made-up keys do not make room for further guesses.
            let least = (0..failed.len()).min_by_key(|i| failed[*i].count);
            least.and_then(|least| failed.remove(least));
        }
        failed.push_back(Failed { key, since: now, count: 1 });
        Ok(Err(1))
    }

    /// Number of keys that are remembered.
    #[cfg(test)]
    pub fn remembered(&self) -> usize {
        self.failed().len()
    }

    fn failed(&self) -> MutexGuard<'_, VecDeque<Failed<K>>> {
        // After a panic in here at most a count is wrong.
        locked(&self.failed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WRONG: fn() -> Option<()> = || None;
    const RIGHT: fn() -> Option<()> = || Some(());

    #[test]
    fn after_ten_failures_even_the_right_one_is_refused_for_a_minute() {
        let (attempts, start) = (Attempts::new(8), Instant::now());
        for count in 1..=FAILED_MAX {
            assert_eq!(attempts.make("anna", start, WRONG), Ok(Err(count)));
        }
        let mut asked = false;
        assert_eq!(
            attempts.make("anna", start + Duration::from_secs(59), || {
                asked = true;
                Some(())
            }),
            Err(TooOften)
        );
        assert!(!asked, "the password was looked at");
        assert_eq!(attempts.make("bert", start, RIGHT), Ok(Ok(())));
        assert_eq!(attempts.make("anna", start + FAILED_WITHIN, RIGHT), Ok(Ok(())));
    }

    #[test]
    fn made_up_keys_do_not_take_the_place_of_one_that_is_guessed_at() {
        let (attempts, now) = (Attempts::new(8), Instant::now());
        for _ in 0..FAILED_MAX {
            let _ = attempts.make(0, now, WRONG);
        }
        for key in 1..1000 {
            assert_eq!(attempts.make(key, now, WRONG), Ok(Err(1)));
        }
        assert_eq!((attempts.remembered(), attempts.make(0, now, RIGHT)), (8, Err(TooOften)));
    }
}
