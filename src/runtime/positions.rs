//! Keeps the positions of announced parts until the actuator answers with the numbers of the parts.
//!
//! The actuator numbers the parts that one thread announces in their order, from 0 on, as long as no one else announces
//! parts and no part is taken for a bounce of the one before. So the number of each part is known before the answer
//! comes. Where an answer gets lost, or comes for another moment, its part has no position: it is rejected, and no
//! later part gets the position of another.

use heapless::Deque;

use super::tracker::{PASSED_MAX, Passed};

/// Parts that were announced and whose numbers the actuator has not reported yet.
pub struct Positions {
    /// Parts that were announced so far.
    announced: u64,
    /// In the order of their numbers.
    waiting: Deque<(u64, Passed), PASSED_MAX>,
}

impl Positions {
    pub fn new() -> Self {
        Self { announced: 0, waiting: Deque::new() }
    }

    /// Keeps the position of a part that the actuator has taken. Where there is no room, the part has no position, and
    /// is rejected.
    pub fn announce(&mut self, passed: Passed) {
        // Refused where too many wait already.
        let _ = self.waiting.push_back((self.announced, passed));
        self.announced += 1;
    }

    /// Takes out the position of a part that the actuator has numbered, in pixels of the frame captured at `at_ns`.
    pub fn take(&mut self, part: u64, at_ns: u64) -> Option<[f32; 2]> {
        // The actuator has not reported those before.
        while self.waiting.pop_front_if(|(number, _)| *number < part).is_some() {}
        let (_, passed) = self.waiting.pop_front_if(|(number, _)| *number == part)?;
        passed.at.filter(|_| passed.captured_ns == at_ns)
    }

    /// When the frames were captured that these parts need.
    pub fn kept_ns(&self) -> impl Iterator<Item = u64> {
        self.waiting.iter().filter(|(_, passed)| passed.at.is_some()).map(|(_, passed)| passed.captured_ns)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn positions(times_ns: &[u64]) -> Positions {
        let mut positions = Positions::new();
        for (x, captured_ns) in times_ns.iter().enumerate() {
            positions.announce(Passed { captured_ns: *captured_ns, at: Some([x as f32, 7.0]) });
        }
        positions
    }

    #[test]
    fn each_part_has_its_own_position() {
        let mut positions = positions(&[5, 5, 9]);
        assert_eq!(positions.take(0, 5), Some([0.0, 7.0]));
        positions.announce(Passed { captured_ns: 9, at: None });
        assert_eq!(positions.kept_ns().collect::<Vec<_>>(), [5, 9]);
        assert_eq!(positions.take(1, 5), Some([1.0, 7.0]));
        assert_eq!(positions.take(2, 9), Some([2.0, 7.0]));
        assert_eq!(positions.take(3, 9), None);
        assert_eq!(positions.take(4, 11), None);
    }

    #[test]
    fn a_part_of_which_the_line_does_not_tell_shifts_no_other() {
        let mut positions = positions(&[5, 5, 5, 9]);
        assert_eq!(positions.take(1, 5), Some([1.0, 7.0]));
        // A part of another moment is not the one that was announced.
        assert_eq!(positions.take(2, 6), None);
        assert_eq!(positions.take(3, 9), Some([3.0, 7.0]));
    }

    #[test]
    fn numbers_go_on_where_there_is_no_room() {
        let mut positions = positions(&[5; PASSED_MAX + 2]);
        assert_eq!(positions.take(0, 5), Some([0.0, 7.0]));
        assert_eq!(positions.take(PASSED_MAX as u64, 5), None);
        positions.announce(Passed { captured_ns: 8, at: Some([1.0, 2.0]) });
        assert_eq!(positions.take(PASSED_MAX as u64 + 1, 5), None);
        assert_eq!(positions.take(PASSED_MAX as u64 + 2, 8), Some([1.0, 2.0]));
    }
}
