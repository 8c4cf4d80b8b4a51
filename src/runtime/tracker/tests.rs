//! Belts that are made up: every part is announced once, with the frame in which it was in the middle.

use super::*;

const SIZE: (usize, usize) = (640, 480);
const INTERVAL_NS: u64 = 33_000_000;

/// Parts on a belt, squares of `2 * half` pixels.
struct World {
    /// Of the belt's motion, degrees from rightwards to downwards.
    angle: f32,
    half: f32,
    /// Where each part is at the start, from the middle: along the motion, and across it.
    parts: std::vec::Vec<[f32; 2]>,
    /// What is measured is off by at most so much, in both directions.
    jitter: f32,
    /// How likely a part's sight fails from one frame to the next, for one frame or two.
    dropout: f32,
    rng: fastrand::Rng,
    tracker: Tracker,
    /// How far the belt has come by each frame.
    moved: std::vec::Vec<f32>,
    /// Until which frame a part is not seen.
    hidden: std::vec::Vec<usize>,
    passed: std::vec::Vec<Passed>,
    losses: std::vec::Vec<(usize, Loss)>,
}

impl World {
    fn new(angle: f32, half: f32, parts: &[[f32; 2]]) -> Self {
        Self {
            angle,
            half,
            parts: parts.to_vec(),
            jitter: 0.0,
            dropout: 0.0,
            rng: fastrand::Rng::with_seed(1),
            tracker: Tracker::default(),
            moved: vec![],
            hidden: vec![0; parts.len()],
            passed: vec![],
            losses: vec![],
        }
    }

    /// Where a part is when the belt has come so far.
    fn place(&self, part: usize, moved: f32) -> [f32; 2] {
        let ([along, across], (sin, cos)) = (self.parts[part], self.angle.to_radians().sin_cos());
        let along = along + moved;
        [0.5 * SIZE.0 as f32 + cos * along - sin * across, 0.5 * SIZE.1 as f32 + sin * along + cos * across]
    }

    /// As much as is in the frame of a part.
    fn seen(&mut self, part: usize, moved: f32) -> Option<Sighting> {
        let at = self.place(part, moved);
        let half = self.half;
        let [x, y] = [(at[0], SIZE.0 as f32), (at[1], SIZE.1 as f32)].map(|(at, size)| {
            let (from, to) = ((at - half).max(0.0), (at + half).min(size));
            (from, to, to - from < 2.0 * half - 0.01)
        });
        let area = (x.1 - x.0).max(0.0) * (y.1 - y.0).max(0.0);
        let mut noise = || self.jitter * (2.0 * self.rng.f32() - 1.0);
        let middle = [0.5 * (x.0 + x.1) + noise(), 0.5 * (y.0 + y.1) + noise()];
        let at = [middle[0].clamp(0.0, SIZE.0 as f32 - 1.0), middle[1].clamp(0.0, SIZE.1 as f32 - 1.0)];
        (area >= 30.0).then_some(Sighting { at, points: area as usize, cut: x.2 || y.2 })
    }

    fn frame(&mut self, step: f32) {
        let number = self.moved.len();
        let moved = self.moved.last().map_or(0.0, |moved| moved + step);
        self.moved.push(moved);
        let mut seen = std::vec::Vec::new();
        for part in 0..self.parts.len() {
            if self.rng.f32() < self.dropout && self.hidden[part] < number {
                self.hidden[part] = number + self.rng.usize(1..=2);
            }
            let found = self.seen(part, moved);
            seen.extend(found.filter(|_| self.hidden[part] <= number));
        }
        self.rng.shuffle(&mut seen);
        self.look(&seen);
    }

    /// Another frame, for which the belt has been said to have moved.
    fn look(&mut self, seen: &[Sighting]) {
        let number = self.moved.len() - 1;
        let looked = self.tracker.look(seen, SIZE, number as u64 * INTERVAL_NS);
        self.passed.extend(&looked.passed);
        self.losses.extend(looked.loss.map(|loss| (number, loss)));
        let kept: std::vec::Vec<u64> = self.tracker.kept_ns().collect();
        assert!(kept.iter().all(|kept_ns| *kept_ns <= number as u64 * INTERVAL_NS));
    }

    fn run(&mut self, frames: usize, step: f32) {
        (0..frames).for_each(|_| self.frame(step));
    }

    /// Checks that each part that went through the middle was announced once, in the frame in which it was there, and in
    /// the order of these frames. How many were announced without a position.
    fn check(&self, step: f32) -> Result<usize, String> {
        let ordered = self.passed.is_sorted_by_key(|passed| passed.captured_ns);
        let mut unseen = self.passed.iter().filter(|passed| passed.at.is_none()).count();
        let without_place = unseen;
        let mut found = vec![0; self.parts.len()];
        for passed in &self.passed {
            let Some(at) = passed.at else { continue };
            let moved = self.moved[(passed.captured_ns / INTERVAL_NS) as usize];
            let of =
                (0..self.parts.len()).find(|part| distance(self.place(*part, moved), at) <= 1.5 * self.jitter + 0.1);
            let Some(part) = of else { return Err(format!("no part is at {at:?}")) };
            let along = self.parts[part][0] + moved;
            if along.abs() > step + 2.0 * self.jitter + 3.0 {
                return Err(format!("part {part} was announced at {along}"));
            }
            found[part] += 1;
        }
        let end = self.moved.last().copied().unwrap_or(0.0);
        for (part, [along, _]) in self.parts.iter().enumerate() {
            let expected = usize::from(*along < 0.0 && along + end > 0.0);
            if found[part] < expected && unseen > 0 {
                unseen -= 1;
            } else if found[part] != expected {
                return Err(format!("part {part} was announced {} times", found[part]));
            }
        }
        match (ordered, unseen, self.losses.as_slice()) {
            (false, ..) => Err("they are out of order".into()),
            (_, 0, []) => Ok(without_place),
            (_, extra, losses) => Err(format!("{extra} too many, losses {losses:?}")),
        }
    }
}

#[test]
fn parts_side_by_side_pass_at_the_same_moment() {
    let mut world = World::new(0.0, 30.0, &[[-300.0, -80.0], [-300.0, 80.0]]);
    world.run(40, 20.0);
    assert_eq!(world.check(20.0), Ok(0));
    assert_eq!(world.passed[0].captured_ns, world.passed[1].captured_ns);
    assert_eq!(world.passed[0].captured_ns, 15 * INTERVAL_NS);
}

#[test]
fn parts_in_a_row_are_told_apart() {
    let mut world = World::new(0.0, 14.0, &[[-330.0, 0.0], [-370.0, 0.0], [-410.0, 0.0]]);
    world.run(60, 18.0);
    assert_eq!(world.check(18.0), Ok(0));
    assert_eq!(world.passed.len(), 3);
}

#[test]
fn the_belt_may_move_along_any_way() {
    for angle in [0.0, 90.0, 180.0, 270.0, 45.0, 135.0, 200.0, 340.0] {
        let mut world = World::new(angle, 20.0, &[[-420.0, 40.0], [-420.0, -90.0], [-520.0, 0.0], [-600.0, 70.0]]);
        world.jitter = 1.0;
        world.run(80, 13.0);
        assert_eq!(world.check(13.0), Ok(0), "{angle} degrees");
    }
}

#[test]
fn a_part_that_is_not_seen_for_two_frames_is_announced_once() {
    for hidden in 1..40 {
        let mut world = World::new(0.0, 20.0, &[[-333.0, 0.0], [-430.0, 0.0]]);
        for number in 0..60 {
            if number == hidden {
                world.hidden[0] = hidden + 2;
            }
            world.frame(15.0);
        }
        let unseen = world.check(15.0);
        assert!(unseen.as_ref().is_ok_and(|unseen| *unseen <= 1), "hidden from {hidden} on: {unseen:?}");
        assert_eq!(world.passed.len(), 2);
    }
}

#[test]
fn a_belt_that_stands_announces_nothing_and_each_part_once_when_it_goes_on() {
    for stop in 10..34 {
        let mut world = World::new(180.0, 25.0, &[[-300.0, 60.0], [-310.0, -60.0], [-400.0, 0.0]]);
        world.jitter = 2.0;
        world.run(stop, 15.0);
        // Whatever was past when the belt stopped may be announced within a few frames.
        world.run(6, 0.0);
        let announced = world.passed.len();
        world.run(300, 0.0);
        assert_eq!(world.passed.len(), announced, "stopped after {stop} frames");
        // Frames are not kept for long.
        let now_ns = (world.moved.len() as u64 - 1) * INTERVAL_NS;
        assert!(world.tracker.kept_ns().all(|kept_ns| kept_ns + 100 * INTERVAL_NS > now_ns));
        world.run(50, 15.0);
        assert_eq!(world.check(15.0), Ok(0), "stopped after {stop} frames");
    }
}

#[test]
fn a_belt_may_stop_and_go_all_the_time() {
    let parts: std::vec::Vec<[f32; 2]> = (0..12).map(|i| [-340.0 - 70.0 * i as f32, 0.0]).collect();
    let mut world = World::new(90.0, 20.0, &parts);
    world.jitter = 1.0;
    for turn in 0..60 {
        world.run(3 + turn % 5, 0.0);
        world.frame(10.0);
        world.run(turn % 4, 24.0);
        world.frame(8.0);
    }
    assert_eq!(world.check(24.0), Ok(0));
    assert!(world.passed.len() > 9);
}

#[test]
fn the_parts_in_view_are_announced_at_the_end() {
    let mut world = World::new(0.0, 20.0, &[[-100.0, 0.0], [-200.0, 0.0], [150.0, 0.0]]);
    world.run(8, 20.0);
    // The third was past the middle before the first frame.
    let passed: std::vec::Vec<u64> = world.passed.iter().map(|passed| passed.captured_ns / INTERVAL_NS).collect();
    let last: std::vec::Vec<Passed> = world.tracker.finish().iter().copied().collect();
    assert_eq!(passed, [5]);
    assert_eq!(last, [Passed { captured_ns: 7 * INTERVAL_NS, at: Some([260.0, 240.0]) }]);
    assert!(world.tracker.finish().is_empty());
}

#[test]
fn a_part_that_was_not_seen_coming_is_a_loss_and_one_that_is_lost_a_reject() {
    let mut world = World::new(0.0, 20.0, &[[-300.0, 0.0], [-350.0, 100.0], [-250.0, -100.0]]);
    // The second is hidden until it has passed, the third from before it gets there.
    for number in 0..45 {
        world.hidden[1] = 24;
        world.hidden[2] = if number >= 6 { 99 } else { 0 };
        world.frame(20.0);
    }
    assert!(matches!(world.losses.as_slice(), [(25, Loss::Late)]), "{:?}", world.losses);
    let passed: std::vec::Vec<(u64, bool)> =
        world.passed.iter().map(|passed| (passed.captured_ns / INTERVAL_NS, passed.at.is_some())).collect();
    assert!(matches!(passed.as_slice(), [(12 | 13, false), (15, true)]), "{passed:?}");
}

#[test]
fn more_parts_than_can_be_followed_are_a_loss() {
    let seen: std::vec::Vec<Sighting> =
        (0..=PARTS_MAX).map(|i| Sighting { at: [30.0 * i as f32, 100.0], points: 100, cut: false }).collect();
    let mut tracker = Tracker::default();
    assert_eq!(tracker.look(&seen[..PARTS_MAX], SIZE, 0).loss, None);
    assert_eq!(tracker.look(&seen, SIZE, 1).loss, Some(Loss::TooMany));
}

#[test]
fn a_part_that_falls_into_pieces_for_a_frame_is_one() {
    let mut world = World::new(0.0, 30.0, &[[-280.0, 0.0]]);
    for number in 0..45 {
        if number % 7 != 6 {
            world.frame(13.0);
            continue;
        }
        let moved = world.moved[number - 1] + 13.0;
        world.moved.push(moved);
        let [x, y] = world.place(0, moved);
        let piece = |x: f32| Sighting { at: [x, y], points: 1600, cut: false };
        world.look(&[piece(x - 16.0), piece(x + 17.0)]);
    }
    assert_eq!((world.passed.len(), world.losses.as_slice()), (1, [].as_slice()));
}

#[test]
fn hundreds_of_belts_at_random() {
    let (mut parts_sum, mut unseen_sum) = (0, 0);
    for seed in 0..400 {
        let mut rng = fastrand::Rng::with_seed(seed);
        let mut within = |from: f32, to: f32| from + (to - from) * rng.f32();
        let (half, step, angle) = (within(8.0, 28.0), within(3.0, 40.0), within(0.0, 360.0));
        let pitch = (2.0 * step).max(2.0 * half) * 1.2 + 8.0 + within(0.0, 60.0);
        let lanes = within(1.0, 3.99) as usize;
        let rows = PARTS_MAX / lanes;
        let mut parts = std::vec::Vec::new();
        for row in 0..rows {
            for lane in 0..lanes {
                let across = (lane as f32 - 0.5 * (lanes as f32 - 1.0)) * (2.6 * half + 16.0).max(1.2 * step + 4.0);
                let shift = within(0.0, 4.0) + if row > 1 { pitch * 0.15 * lane as f32 } else { 0.0 };
                parts.push([-430.0 - half - pitch * row as f32 - shift, across]);
            }
        }
        let mut world = World::new(angle, half, &parts);
        world.rng = fastrand::Rng::with_seed(seed + 1000);
        world.jitter = within(0.0, 2.0);
        world.dropout = if seed % 2 == 0 { 0.0 } else { 0.03 };
        let speed = |frame: usize| if seed % 5 == 0 { step * (1.0 - 0.3 * (0.1 * frame as f32).sin()) } else { step };
        let mut number = 0;
        while world.moved.last().is_none_or(|moved| *moved < 900.0 + half + pitch * rows as f32) {
            world.frame(speed(number));
            number += 1;
        }
        let greatest = if seed % 5 == 0 { 1.3 * step } else { step };
        let unseen = world.check(greatest);
        let what = format!("belt {seed}: step {step}, pitch {pitch}, angle {angle}, half {half}, lanes {lanes}");
        assert!(unseen.is_ok(), "{what}: {unseen:?}");
        let unseen = unseen.unwrap_or(0);
        assert!(unseen == 0 || world.dropout > 0.0, "{what}: {unseen} without a position");
        (parts_sum, unseen_sum) = (parts_sum + parts.len(), unseen_sum + unseen);
    }
    // A few are not seen near the middle, and rejected.
    assert!(100 * unseen_sum < 2 * parts_sum, "{unseen_sum} of {parts_sum}");
}

#[test]
fn a_guide_that_stands_beside_the_belt_holds_no_part_back() {
    let mut tracker = Tracker::default();
    let guides = [
        Sighting { at: [160.0, 2.0], points: 900, cut: true },
        Sighting { at: [100.0, 230.0], points: 200, cut: false },
    ];
    let mut passed = std::vec::Vec::new();
    for number in 0..120_u64 {
        let row = |part: u64| 8.0 * number as f32 - 160.0 * part as f32;
        let parts = (0..5).map(row).filter(|x| (20.0..300.0).contains(x));
        let seen = parts.map(|x| Sighting { at: [x, 120.0], points: 400, cut: false }).chain(guides);
        let looked = tracker.look(&seen.collect::<std::vec::Vec<_>>(), (320, 240), 1_000_000 * number);
        assert_eq!(looked.loss, None);
        // Known within a few frames, all but the first, which comes before the belt has gone by under the guides.
        let late = looked.passed.iter().map(|passed| number - passed.captured_ns / 1_000_000).max();
        assert!(passed.is_empty() || late.is_none_or(|frames| frames < 4), "{late:?} frames late");
        passed.extend(looked.passed);
    }
    assert_eq!(passed.len(), 5);
    assert!(passed.iter().all(|passed| passed.at.is_some_and(|[x, y]| (x - 160.0).abs() <= 8.0 && y == 120.0)));
    assert!(tracker.finish().is_empty() && tracker.kept_ns().count() == 0);
}
