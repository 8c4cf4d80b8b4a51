//! Which frame shows which part: each trigger takes the nearest frame within its window.
//!
//! A trigger with a position comes from a frame in which there may be several parts. It gets a copy of this very frame,
//! and of no other: in the frames before and after, another part may be at the position.

use heapless::{Deque, Vec};

use super::part_frame::{PartFrame, Trigger};
use super::tracker::{PASSED_MAX, TRACKS_MAX};

/// Frames that are remembered, including the moments of those that parts have taken.
const RECENT_MAX: usize = 32;
/// Triggers that may wait for their frame.
const WAITING_MAX: usize = 32;
/// Frames that may be kept for triggers that have not come yet: for parts that are followed, that wait for others, and
/// that the actuator has not numbered.
pub const KEPT_MAX: usize = TRACKS_MAX + 2 * PASSED_MAX;

/// The frame of a trigger, or none.
pub enum Matched {
    /// The frame that shows the part.
    Frame(Box<PartFrame>),
    /// There is none within the window, or the nearest one was taken by another part.
    None { part: u64 },
}

struct Recent {
    captured_ns: u64,
    /// None once a part has taken it.
    part_frame: Option<Box<PartFrame>>,
}

/// The newest frames, and the triggers that wait for theirs.
pub struct Matcher {
    /// From a trigger to the moment at which its part is in the picture, nanoseconds.
    offset_ns: i64,
    window_ns: u64,
    /// In the order of capture.
    recent: Vec<Recent, RECENT_MAX>,
    waiting: Deque<Trigger, WAITING_MAX>,
    /// How long frames take from the sensor to here: about the longest of the recent ones.
    delivery_ns: u64,
}

impl Matcher {
    pub fn new(offset_ns: i64, window_ns: u64) -> Self {
        Self { offset_ns, window_ns, recent: Vec::new(), waiting: Deque::new(), delivery_ns: 0 }
    }

    /// Takes in the newest frame. Returns it where there is no room: parts depend on all the others.
    pub fn add(&mut self, part_frame: Box<PartFrame>, now_ns: u64) -> Option<Box<PartFrame>> {
        let captured_ns = part_frame.captured.captured_ns;
        let delivery_ns = now_ns.saturating_sub(captured_ns);
        self.delivery_ns = delivery_ns.max(self.delivery_ns - self.delivery_ns / 8);
        if self.recent.is_full()
            && let Some(oldest) = self.recent.iter().position(|recent| recent.part_frame.is_none())
        {
            self.recent.remove(oldest);
        }
        self.recent
            .push(Recent { captured_ns, part_frame: Some(part_frame) })
            .err()
            .and_then(|recent| recent.part_frame)
    }

    /// Frames that are held.
    pub fn held(&self) -> usize {
        self.recent.iter().filter(|recent| recent.part_frame.is_some()).count()
    }

    /// Takes in a trigger. False where too many wait already: the part stays without a frame.
    pub fn trigger(&mut self, trigger: Trigger) -> bool {
        self.waiting.push_back(trigger).is_ok()
    }

    pub fn is_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Releases the oldest frame that no waiting trigger depends on and that was not captured at one of `kept_ns`.
    pub fn release(&mut self, kept_ns: impl IntoIterator<Item = u64>) -> Option<Box<PartFrame>> {
        let mut needed: Vec<u64, { WAITING_MAX + KEPT_MAX }> = kept_ns.into_iter().take(KEPT_MAX).collect();
        for trigger in &self.waiting {
            let nearest = self.nearest(self.wanted_ns(trigger)).map(|i| self.recent[i].captured_ns);
            // There is room: one for each waiting trigger, and one for each frame that is kept.
            let _ = needed.extend_from_slice(nearest.as_slice());
        }
        let free = |recent: &&mut Recent| recent.part_frame.is_some() && !needed.contains(&recent.captured_ns);
        self.recent.iter_mut().find(free)?.part_frame.take()
    }

    /// The frame of the trigger that has waited longest, once it is settled. `spare` supplies a frame to copy into for
    /// a trigger with a position; where it has none, the part has no frame.
    pub fn next(&mut self, now_ns: u64, spare: impl FnOnce() -> Option<Box<PartFrame>>) -> Option<Matched> {
        let trigger = *self.waiting.front()?;
        let part_frame = match trigger.at {
            Some(_) => self.copy(&trigger, spare),
            None => self.settle(&trigger, now_ns)?,
        };
        self.waiting.pop_front();
        Some(match part_frame {
            Some(mut part_frame) => {
                part_frame.belongs_to(&trigger);
                Matched::Frame(part_frame)
            }
            None => Matched::None { part: trigger.part },
        })
    }

    /// A copy of the frame that a trigger came from, if it is held. It stays for the other parts that it shows.
    fn copy(&self, trigger: &Trigger, spare: impl FnOnce() -> Option<Box<PartFrame>>) -> Option<Box<PartFrame>> {
        let mut own = self.recent.iter().filter(|recent| recent.captured_ns == trigger.at_ns);
        // Of two frames of one moment, only one shows the part at its position.
        let (Some(recent), None) = (own.next(), own.next()) else { return None };
        let held = recent.part_frame.as_ref()?;
        let mut part_frame = spare()?;
        part_frame.captured.copy_from(&held.captured);
        Some(part_frame)
    }

    /// Takes out the frame nearest to a trigger. None as long as a nearer one may come.
    fn settle(&mut self, trigger: &Trigger, now_ns: u64) -> Option<Option<Box<PartFrame>>> {
        let wanted_ns = self.wanted_ns(trigger);
        let nearest = self.nearest(wanted_ns);
        let distance_ns = nearest.map_or(u64::MAX, |i| self.recent[i].captured_ns.abs_diff(wanted_ns));
        // A nearer frame would have been captured by then, and delivered.
        let settled_ns = wanted_ns.saturating_add(distance_ns.min(self.window_ns)).saturating_add(self.delivery_ns);
        let passed = self.recent.last().is_some_and(|newest| newest.captured_ns >= wanted_ns);
        if !passed && now_ns <= settled_ns {
            return None;
        }
        let taken = nearest.filter(|_| distance_ns <= self.window_ns);
        Some(taken.and_then(|i| self.recent[i].part_frame.take()))
    }

    fn wanted_ns(&self, trigger: &Trigger) -> u64 {
        // A position is the one in the frame of that moment, whatever the offset.
        let offset_ns = if trigger.at.is_some() { 0 } else { self.offset_ns };
        trigger.at_ns.saturating_add_signed(offset_ns)
    }

    /// The place of the frame nearest to a moment, the earlier of two as near.
    fn nearest(&self, wanted_ns: u64) -> Option<usize> {
        let distances = self.recent.iter().map(|recent| recent.captured_ns.abs_diff(wanted_ns));
        distances.enumerate().min_by_key(|(_, distance)| *distance).map(|(i, _)| i)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::Identity;

    const MS: u64 = 1_000_000;

    fn trigger(part: u64, at_ns: u64, at: Option<[f32; 2]>) -> Trigger {
        Trigger { part, at_ns, at, recipe: 0, identity: Identity::default() }
    }

    /// Frames of a camera at 100 Hz that are delivered 3 ms after their capture, and triggers in between.
    struct Bench {
        matcher: Matcher,
        now_ns: u64,
        frames: u64,
    }

    impl Bench {
        fn new(offset_ms: i64, window_ms: u64) -> Self {
            let matcher = Matcher::new(offset_ms * MS as i64, window_ms * MS);
            Self { matcher, now_ns: 0, frames: 0 }
        }

        fn frame(&mut self) {
            let mut part_frame = PartFrame::empty();
            part_frame.captured.captured_ns = 10 * MS * (self.frames + 100);
            part_frame.captured.sequence = self.frames;
            self.frames += 1;
            self.now_ns = part_frame.captured.captured_ns + 3 * MS;
            assert!(self.matcher.add(part_frame, self.now_ns).is_none());
        }

        /// A trigger at so many milliseconds after frame 0.
        fn trigger(&mut self, part: u64, at_ms: u64) {
            assert!(self.matcher.trigger(trigger(part, (1000 + at_ms) * MS, None)));
        }

        /// One with a position, of the frame captured so many milliseconds after frame 0.
        fn trigger_at(&mut self, part: u64, at_ms: u64) {
            let at = Some([part as f32, 0.5]);
            assert!(self.matcher.trigger(trigger(part, (1000 + at_ms) * MS, at)));
        }

        /// Each part that came through, and its frame's number.
        fn matched(&mut self) -> std::vec::Vec<(u64, Option<u64>)> {
            let next = || self.matcher.next(self.now_ns, || Some(PartFrame::empty()));
            std::iter::from_fn(next)
                .map(|matched| match matched {
                    Matched::Frame(part_frame) => {
                        assert!(part_frame.at.is_none_or(|at| at == [part_frame.part as f32, 0.5]));
                        (part_frame.part, Some(part_frame.captured.sequence))
                    }
                    Matched::None { part } => (part, None),
                })
                .collect()
        }
    }

    #[test]
    fn the_nearest_frame_shows_the_part_before_or_after_its_trigger() {
        let mut bench = Bench::new(0, 20);
        (0..3).for_each(|_| bench.frame());
        bench.trigger(7, 14);
        assert_eq!(bench.matched(), [(7, Some(1))]);
        bench.trigger(8, 26);
        // A frame at 30 may still come.
        assert!(bench.matched().is_empty());
        bench.frame();
        assert_eq!(bench.matched(), [(8, Some(3))]);
    }

    #[test]
    fn a_picture_that_comes_after_the_trigger_is_waited_for() {
        let mut bench = Bench::new(25, 5);
        bench.frame();
        bench.trigger(1, 1);
        (0..2).for_each(|_| {
            bench.frame();
            assert!(bench.matched().is_empty());
        });
        bench.frame();
        assert_eq!(bench.matched(), [(1, Some(3))]);
    }

    #[test]
    fn without_a_newer_frame_a_trigger_is_settled_once_none_could_be_nearer() {
        let mut bench = Bench::new(0, 20);
        bench.frame();
        bench.trigger(1, 2);
        assert!(bench.matched().is_empty());
        // A frame captured within 2 ms of the trigger would be here at 1007 ms.
        bench.now_ns = 1007 * MS;
        assert!(bench.matched().is_empty());
        bench.now_ns += 1;
        assert_eq!(bench.matched(), [(1, Some(0))]);
    }

    #[test]
    fn a_trigger_without_a_frame_in_its_window_has_none() {
        let mut bench = Bench::new(0, 4);
        bench.frame();
        bench.trigger(1, 5);
        bench.trigger(2, 9);
        assert!(bench.matched().is_empty());
        bench.frame();
        assert_eq!(bench.matched(), [(1, None), (2, Some(1))]);
        bench.trigger(3, 60);
        bench.now_ns = 1070 * MS;
        assert_eq!(bench.matched(), [(3, None)]);
    }

    #[test]
    fn a_frame_is_one_part_s() {
        let mut bench = Bench::new(0, 20);
        (0..3).for_each(|_| bench.frame());
        bench.trigger(1, 9);
        bench.trigger(2, 11);
        assert_eq!(bench.matched(), [(1, Some(1)), (2, None)]);
    }

    #[test]
    fn the_oldest_frame_that_no_part_depends_on_is_given_up_first() {
        let mut bench = Bench::new(0, 20);
        (0..4).for_each(|_| bench.frame());
        bench.trigger(1, 38);
        bench.trigger(2, 2);
        let kept_ns = Some((1000 + 10) * MS);
        let released: std::vec::Vec<u64> = std::iter::from_fn(|| bench.matcher.release(kept_ns))
            .map(|part_frame| part_frame.captured.sequence)
            .collect();
        assert_eq!(released, [2]);
        assert_eq!(bench.matcher.held(), 3);
        bench.frame();
        assert_eq!(bench.matched(), [(1, Some(4)), (2, Some(0))]);
        // A part whose frame was given up is not judged by another.
        bench.trigger(3, 21);
        assert_eq!(bench.matched(), [(3, None)]);
    }

    #[test]
    fn thousands_of_frames_go_through_with_a_few_buffers() {
        let mut bench = Bench::new(0, 20);
        for i in 0..5_000 {
            bench.frame();
            if i % 3 == 0 {
                bench.trigger(i, 10 * i);
                assert_eq!(bench.matched(), [(i, Some(i))]);
            }
            if bench.matcher.held() > 8 {
                assert!(bench.matcher.release(None).is_some());
            }
        }
    }

    #[test]
    fn too_many_triggers_are_refused() {
        let mut bench = Bench::new(0, 20);
        (0..WAITING_MAX as u64).for_each(|part| bench.trigger(part, part));
        assert!(!bench.matcher.trigger(trigger(99, 0, None)));
    }

    #[test]
    fn parts_with_positions_share_the_frame_they_come_from() {
        // The offset is for triggers that come from elsewhere.
        let mut bench = Bench::new(25, 20);
        (0..3).for_each(|_| bench.frame());
        (1..=3).for_each(|part| bench.trigger_at(part, 10));
        assert_eq!(bench.matched(), [(1, Some(1)), (2, Some(1)), (3, Some(1))]);
        assert_eq!(bench.matcher.held(), 3);
        // One that is announced later has it as well.
        bench.frame();
        bench.trigger_at(4, 10);
        assert_eq!(bench.matched(), [(4, Some(1))]);
    }

    #[test]
    fn a_part_with_a_position_has_its_own_frame_or_none() {
        let mut bench = Bench::new(0, 20);
        (0..3).for_each(|_| bench.frame());
        bench.trigger_at(1, 11);
        assert_eq!(bench.matched(), [(1, None)]);
        // It is not held any more.
        assert_eq!(
            bench.matcher.release([1000 * MS, 1020 * MS]).map(|part_frame| part_frame.captured.sequence),
            Some(1)
        );
        bench.trigger_at(2, 10);
        assert_eq!(bench.matched(), [(2, None)]);
        // There is nothing to copy into.
        bench.trigger_at(3, 20);
        assert!(matches!(bench.matcher.next(bench.now_ns, || None), Some(Matched::None { part: 3 })));
    }

    #[test]
    fn a_frame_of_parts_that_wait_or_are_followed_is_not_given_up() {
        let mut bench = Bench::new(0, 20);
        (0..4).for_each(|_| bench.frame());
        bench.trigger_at(1, 10);
        let released: std::vec::Vec<u64> = std::iter::from_fn(|| bench.matcher.release([1000 * MS, 1030 * MS]))
            .map(|part_frame| part_frame.captured.sequence)
            .collect();
        assert_eq!(released, [2]);
        assert_eq!(bench.matched(), [(1, Some(1))]);
    }
}
