//! What nothing more is expected of, and is not in the file yet: a bounded number of rows, and the numbers of the parts of
//! which something was lost.

use std::collections::VecDeque;

use super::row::{Row, State};

/// Ranges that are remembered while the file cannot be written; more become one with the parts between them.
const RANGES_MAX: usize = 1024;

/// Why something of a part was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// A message about it found no room in a queue.
    Queue,
    /// The file could not be written, and no more rows could be kept.
    Disk,
}

crate::words::words!(Cause {
    Queue = "queue",
    Disk = "disk",
});

/// Parts of which something was lost: `count` of those from `first` to `last`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LostRange {
    pub first: u64,
    pub last: u64,
    pub count: u64,
    pub cause: Cause,
}

pub struct Pending {
    rows: VecDeque<Row>,
    rows_max: usize,
    lost: Vec<LostRange>,
}

impl Pending {
    pub fn new(rows_max: usize) -> Self {
        Self { rows: VecDeque::new(), rows_max, lost: Vec::new() }
    }

    pub fn is_empty(&self) -> bool {
        self.rows.is_empty() && self.lost.is_empty()
    }

    pub fn rows(&self) -> impl Iterator<Item = &Row> {
        self.rows.iter()
    }

    pub fn lost(&self) -> &[LostRange] {
        &self.lost
    }

    /// Takes in a part that is over; none of which nothing was ever heard. The parts come in the order of their numbers.
    pub fn take(&mut self, part: u64, row: Option<Row>) {
        let was_written = row.as_ref().is_some_and(|row| row.stored && !row.dirty);
        let is_whole = row.as_ref().is_some_and(|row| row.state() != State::Incomplete);
        match row {
            Some(row) if self.rows.len() < self.rows_max || was_written => self.rows.push_back(row),
            Some(_) => return self.lose(part, Cause::Disk),
            None => {}
        }
        if !is_whole {
            self.lose(part, Cause::Queue);
        }
    }

    fn lose(&mut self, part: u64, cause: Cause) {
        let is_full = self.lost.len() >= RANGES_MAX;
        if let Some(range) = self.lost.last_mut()
            && (is_full || range.last + 1 == part && range.cause == cause)
        {
            (range.last, range.count) = (part, range.count + 1);
            return;
        }
        self.lost.push(LostRange { first: part, last: part, count: 1, cause });
    }

    /// Everything is in the file. Returns how many parts were written, and of how many something was lost.
    pub fn clear(&mut self) -> [u64; 2] {
        let written = self.rows.iter().filter(|row| row.state() != State::Incomplete).count() as u64;
        let lost = self.lost.iter().map(|range| range.count).sum();
        self.rows.clear();
        self.lost.clear();
        [written, lost]
    }

    /// The file will never be written: all is lost. Returns how many parts.
    pub fn give_up(&mut self) -> u64 {
        self.clear().iter().sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_and_ranges_are_bounded_and_every_part_is_counted() {
        let mut pending = Pending::new(10);
        // Every second part was never heard of.
        let parts = 5 * RANGES_MAX as u64;
        (0..parts).for_each(|part| pending.take(part, (part % 2 == 0).then(|| Row::new(part, 0))));
        assert_eq!((pending.rows().count(), pending.lost().len()), (10, RANGES_MAX));
        assert_eq!(pending.lost()[0], LostRange { first: 1, last: 1, count: 1, cause: Cause::Queue });
        assert_eq!(pending.lost().last().map(|range| range.last), Some(parts - 1));
        assert_eq!(pending.clear(), [10, parts - 10]);
        assert!(pending.is_empty());
    }

    #[test]
    fn parts_that_follow_each_other_are_one_range() {
        let mut pending = Pending::new(1);
        pending.take(3, Some(Row::new(3, 0)));
        (4..9).for_each(|part| pending.take(part, Some(Row::new(part, 0))));
        (9..11).for_each(|part| pending.take(part, None));
        let range = |first, last, cause| LostRange { first, last, count: last - first + 1, cause };
        assert_eq!(pending.lost(), [range(4, 8, Cause::Disk), range(9, 10, Cause::Queue)]);
    }
}
