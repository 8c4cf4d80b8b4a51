//! Where the belt is: encoder counts, its speed, and what is wrong with either.

use heapless::Deque;

use super::fault::Fault;

/// Intervals that the speed is averaged over.
const INTERVALS: usize = 8;
/// Positions kept for triggers that are told of after the event, and the least time between two of them.
const HISTORY: usize = 1024;
const HISTORY_NS: u64 = 2_000_000;

/// What is expected of the encoder.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BeltSettings {
    /// Time from one count to the next at full speed, nanoseconds.
    pub interval_ns_min: u64,
    /// Without an edge for this long the belt counts as stopped, nanoseconds.
    pub stopped_ns: u64,
    /// Whether an interval twice as long as its neighbours is a fault.
    pub missing_pulses: bool,
}

/// An encoder's counts.
pub struct Belt {
    settings: BeltSettings,
    count: u64,
    last: Option<u64>,
    /// The last intervals, nanoseconds a count, oldest first.
    intervals: Deque<u64, INTERVALS>,
    /// Past times and counts, oldest first.
    history: Deque<(u64, u64), HISTORY>,
}

/// The belt's speed after an edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Speed {
    /// Not enough is known, or it is between a fault and its end.
    Unclear,
    Good,
    TooFast,
}

impl Belt {
    pub fn new(settings: BeltSettings) -> Self {
        Self { settings, count: 0, last: None, intervals: Deque::new(), history: Deque::new() }
    }

    pub fn count(&self) -> u64 {
        self.count
    }

    /// Time of the last edge.
    pub fn last(&self) -> Option<u64> {
        self.last
    }

    /// Counts one edge and the `lost` ones before it, which the kernel saw but could not keep.
    /// A fault where that happened, or where the encoder itself left one out: the count at some triggers is not known.
    pub fn edge(&mut self, at: u64, lost: u32) -> Option<Fault> {
        let counts = u64::from(lost) + 1;
        self.count += counts;
        if let Some(last) = self.last.replace(at) {
            if self.intervals.is_full() {
                self.intervals.pop_front();
            }
            // There is room: one was taken out if it was full.
            let _ = self.intervals.push_back(at.saturating_sub(last) / counts);
        }
        if self.history.back().is_none_or(|(then, _)| at.saturating_sub(*then) >= HISTORY_NS) {
            if self.history.is_full() {
                self.history.pop_front();
            }
            let _ = self.history.push_back((at, self.count));
        }
        (lost > 0 || self.settings.missing_pulses && self.pulse_is_missing()).then_some(Fault::EncoderMissed)
    }

    /// Whether the last interval but one is far longer than its neighbours, which are alike: a belt cannot do that.
    fn pulse_is_missing(&self) -> bool {
        let mut newest = self.intervals.iter().rev();
        let (Some(&after), Some(&between), Some(&before)) = (newest.next(), newest.next(), newest.next()) else {
            return false;
        };
        after.abs_diff(before) < before / 4 && 10 * between > 16 * before.max(after)
    }

    /// Average time from count to count; none before the first interval.
    pub fn interval_ns(&self) -> Option<u64> {
        let sum: u64 = self.intervals.iter().sum();
        sum.checked_div(self.intervals.len() as u64)
    }

    pub fn speed(&self) -> Speed {
        match self.interval_ns() {
            Some(_) if !self.intervals.is_full() => Speed::Unclear,
            Some(interval) if interval < self.settings.interval_ns_min => Speed::TooFast,
            // An eighth slower than the limit, so that a belt at the limit does not come and go.
            Some(interval) if interval >= self.settings.interval_ns_min + self.settings.interval_ns_min / 8 => {
                Speed::Good
            }
            _ => Speed::Unclear,
        }
    }

    /// When the belt counts as standing, if no edge comes and parts are on their way since `since`.
    pub fn stopped_at(&self, since: u64) -> u64 {
        self.last.map_or(since, |last| last.max(since)) + self.settings.stopped_ns
    }

    /// The count at a time in the past; none where that is too long ago to be known.
    pub fn count_at(&self, at: u64) -> Option<u64> {
        if self.last.is_none_or(|last| at >= last) {
            return Some(self.count);
        }
        let newest = self.last.map(|last| (last, self.count));
        let mut later = newest?;
        for &(then, count) in self.history.iter().rev() {
            if then <= at {
                let (time, counts) = ((later.0 - then).max(1), later.1 - count);
                return Some(count + (at - then).saturating_mul(counts) / time);
            }
            later = (then, count);
        }
        // Before the first edge ever seen the count was 0.
        (!self.history.is_full()).then_some(0)
    }
}
