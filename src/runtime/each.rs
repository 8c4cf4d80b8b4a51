//! Every part of a frame by itself: the tracker follows the parts that are seen, and those that have passed the middle
//! of the frame are announced to the actuator.

use heapless::Vec;

use super::positions::Positions;
use super::tracker::{Loss, PARTS_MAX, Passed, Sighting, Tracker};
use crate::camera::CapturedFrame;
use crate::frame::{Region, RgbdFrame};
use crate::reject::sender::Sender;

/// Hands over every part that a frame shows, and returns the region of the photograph that it searched: positions are
/// pixels of this region. It must not wait. It must leave no part out: one that is not handed over has no trigger.
pub type Eye = Box<dyn FnMut(&RgbdFrame, &mut dyn FnMut(Sighting)) -> Region + Send>;

pub struct Each {
    eye: Eye,
    /// The region of the last photograph that was searched.
    seen_in: Region,
    tracker: Tracker,
    positions: Positions,
    /// What the tracker lost in the last frame.
    loss: Option<Loss>,
}

impl Each {
    pub fn new(eye: Eye) -> Self {
        Self {
            eye,
            seen_in: Region::of_size(0, 0),
            tracker: Tracker::default(),
            positions: Positions::new(),
            loss: None,
        }
    }

    /// Searches the next frame, and announces the parts that have passed its middle.
    pub fn look(&mut self, captured: &CapturedFrame, sender: &mut Sender) {
        let CapturedFrame { frame, captured_ns, .. } = captured;
        // One more than may be followed, so that the tracker knows of it.
        let mut seen = Vec::<Sighting, { PARTS_MAX + 1 }>::new();
        self.seen_in = (self.eye)(frame, &mut |part| {
            let _ = seen.push(part);
        });
        let looked = self.tracker.look(&seen, (self.seen_in.width, self.seen_in.height), *captured_ns);
        if let Some(loss) = looked.loss {
            if self.loss != looked.loss {
                log::error!("parts may have gone by without a trigger: {loss}");
            }
            sender.lose_parts();
        }
        self.loss = looked.loss;
        self.announce(&looked.passed, sender);
    }

    /// Announces the parts that are in view after the last frame.
    pub fn finish(&mut self, sender: &mut Sender) {
        let passed = self.tracker.finish();
        self.announce(&passed, sender);
    }

    /// The position of a part that the actuator has numbered, right and down in pixels of the frame captured at
    /// `at_ns`.
    pub fn position(&mut self, part: u64, at_ns: u64) -> Option<[f32; 2]> {
        self.positions.take(part, at_ns)
    }

    /// When the frames were captured that parts need or may need.
    pub fn kept_ns(&self) -> impl Iterator<Item = u64> {
        self.tracker.kept_ns().chain(self.positions.kept_ns())
    }

    fn announce(&mut self, passed: &[Passed], sender: &mut Sender) {
        for passed in passed {
            // For a part that it could not take, the actuator holds the output at reject and uses no number.
            if sender.trigger(passed.captured_ns) {
                let Region { x, y, .. } = self.seen_in;
                let at = passed.at.map(|[u, v]| [u + x as f32, v + y as f32]);
                self.positions.announce(Passed { at, ..*passed });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;
    use crate::frame::OrganisedCloud;
    use crate::reject::channel::Command;
    use crate::reject::fault::{Fault, FaultSet};

    const SIZE: usize = 200;

    /// A belt of two lanes that goes by at 20 pixels a frame, with a part on both after every 80 pixels, and the
    /// commands that came to the actuator. `takes` tells of each trigger, by its number, whether there was room for it.
    fn run(each: &mut Each, takes: impl Fn(usize) -> bool + Send + 'static, frames: u64) -> Vec<Command, 64> {
        let sent = Arc::new(Mutex::new(Vec::<Command, 64>::new()));
        let log = sent.clone();
        let mut triggers = 0;
        let way = move |command| {
            triggers += usize::from(matches!(command, Command::Trigger { .. }));
            let taken = !matches!(command, Command::Trigger { .. }) || takes(triggers - 1);
            taken && log.lock().unwrap().push(command).is_ok()
        };
        let mut sender = Sender::with_send(Box::new(way), FaultSet::default());
        let mut captured = CapturedFrame::empty();
        let cloud = OrganisedCloud::new(SIZE, SIZE, vec![[0.0; 3]; SIZE * SIZE]).unwrap();
        captured.frame = RgbdFrame::new(SIZE, SIZE, vec![0; 3 * SIZE * SIZE], cloud).unwrap();
        for number in 0..frames {
            captured.captured_ns = 1_000_000 * number;
            each.look(&captured, &mut sender);
        }
        std::mem::take(&mut *sent.lock().unwrap())
    }

    fn eye(lanes: usize) -> Eye {
        let mut moved = 0.0;
        Box::new(move |frame, see| {
            moved += 20.0;
            for part in 0..4 {
                let x = moved - 80.0 * part as f32;
                let lane = |lane: usize| Sighting { at: [x, 60.0 * (1 + lane) as f32], points: 300, cut: false };
                (0..lanes).filter(|_| (0.0..SIZE as f32).contains(&x)).for_each(|number| see(lane(number)));
            }
            Region::whole(frame)
        })
    }

    type Numbered = (u64, Option<[f32; 2]>);

    /// The triggers that came to the actuator, and the position that each gets when the actuator has numbered it.
    fn numbered(lost: Option<usize>) -> (Vec<Numbered, 64>, bool) {
        let mut each = Each::new(eye(2));
        let sent = run(&mut each, move |number| Some(number) != lost, 19);
        let times = sent.iter().filter_map(|command| match command {
            Command::Trigger { at_ns } => Some(*at_ns),
            _ => None,
        });
        let numbered = (0..).zip(times).map(|(part, at_ns)| (at_ns, each.position(part, at_ns))).collect();
        (numbered, sent.contains(&Command::Raise(Fault::QueueOverflow)))
    }

    #[test]
    fn a_trigger_that_is_lost_shifts_no_position() {
        let (mut all, held) = numbered(None);
        assert!(!held);
        let frames: Vec<u64, 64> = all.iter().map(|(at_ns, _)| at_ns / 1_000_000).collect();
        assert_eq!(frames, [4, 4, 8, 8, 12, 12, 16, 16]);
        assert!(all.chunks(2).all(|row| row[0].1.is_some() && row[0].1 != row[1].1));
        // The actuator numbers the fourth as the third.
        all.remove(2);
        assert_eq!(numbered(Some(2)), (all, true));
    }

    #[test]
    fn more_parts_than_can_be_followed_hold_the_line() {
        let mut each = Each::new(eye(PARTS_MAX + 1));
        let sent = run(&mut each, |_| true, 2);
        assert!(sent.contains(&Command::Raise(Fault::QueueOverflow)));
    }
}
