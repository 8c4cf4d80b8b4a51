//! Limits the log: an event that may happen a hundred times a second is logged a few times, and later how often it was
//! left out.

use std::time::{Duration, Instant};

use log::Level;

/// Lines of one kind within [`WITHIN`]: enough to see an event come and go.
const LINES_MAX: u32 = 6;
/// The target that the lines are logged under.
const TARGET: &str = "crosscheck::runtime";
const WITHIN: Duration = Duration::from_secs(10);

/// The limit for lines of one kind.
#[derive(Clone, Default)]
pub struct LogLimit {
    since: Option<Instant>,
    said: u32,
    left_out: u64,
}

impl LogLimit {
    /// Logs a line, unless too many of its kind were logged just before.
    pub fn say(&mut self, level: Level, line: impl FnOnce() -> String) {
        let Some(left_out) = self.next(Instant::now()) else { return };
        if left_out > 0 {
            log::log!(target: TARGET, level, "{left_out} further lines like the next were left out");
        }
        log::log!(target: TARGET, level, "{}", line());
    }

    /// How many lines were left out before this one. None where this one is left out too.
    fn next(&mut self, now: Instant) -> Option<u64> {
        if self.since.is_none_or(|since| now.saturating_duration_since(since) > WITHIN) {
            (self.since, self.said) = (Some(now), 0);
        }
        if self.said == LINES_MAX {
            self.left_out += 1;
            return None;
        }
        self.said += 1;
        Some(std::mem::take(&mut self.left_out))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // The overload asks for 1550 lines in 15 s.
    #[test]
    fn an_overload_logs_few_lines_and_counts_those_left_out() {
        let mut limit = LogLimit::default();
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let said: Vec<u64> = (0..1550).filter_map(|i| limit.next(at(10 * i))).collect();
        assert_eq!(said.len(), 12);
        assert_eq!(said.iter().sum::<u64>() + limit.left_out + said.len() as u64, 1550);
        // Quiet again, the next is said at once.
        let left_out = limit.left_out;
        assert_eq!(limit.next(at(60_000)), Some(left_out));
        assert_eq!(limit.next(at(60_001)), Some(0));
    }
}
