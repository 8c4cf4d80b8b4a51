//! One part's track through the frames, and the motion of the belt, which all parts share.

use std::f32::consts::PI;

use super::seen::{Passed, Sighting, distance};
use super::vector::Vector;

/// A part that stands may seem to move by less than this, pixels.
const NOISE: f32 = 6.0;
/// What stays where it is while the belt goes on by so much is no part, pixels.
const FIXTURE: f32 = 5.0 * NOISE;
/// Without a part that has moved in so many frames, the belt stands.
const STILL_MIN: u32 = 4;
/// A part that stands and is not seen in so many frames is not there any more.
const GONE_MIN: u32 = 60;
/// What is seen in part only, or while the belt's way is not known, is given up after so many frames without a sight.
const MISSES_MAX: u32 = 3;
/// Frames after which what came off a part is a part of its own.
const PIECE_MAX: u32 = 5;
/// What is left of a track's points, at most, where they are in two pieces now.
const PIECES_SHARE: f32 = 1.3;
/// How much of the belt's direction is kept with each move of a part.
const MEMORY: f32 = 0.98;
/// How much of its greatest step is kept from frame to frame.
const STRIDE_KEPT: f32 = 0.8;

/// The size of a frame and when it was captured.
#[derive(Clone, Copy)]
pub struct Frame {
    /// Width and height, pixels.
    size: Vector,
    captured_ns: u64,
}

impl Frame {
    pub fn new((width, height): (usize, usize), captured_ns: u64) -> Self {
        Self { size: Vector { x: width as f32, y: height as f32 }, captured_ns }
    }

    pub fn seconds_until(&self, captured_ns: u64) -> f32 {
        1e-9 * captured_ns.saturating_sub(self.captured_ns) as f32
    }

    fn contains(&self, at: Vector) -> bool {
        (0.0..self.size.x).contains(&at.x) && (0.0..self.size.y).contains(&at.y)
    }
}

/// How the belt moves.
#[derive(Default)]
pub struct BeltMotion {
    /// Sum of the ways that parts have gone, the older the less: it points to where the belt moves.
    travel: Vector,
    /// Pixels per second, of the parts that have moved.
    velocity: Vector,
    /// About the greatest step of late, from frame to frame: pixels.
    stride: f32,
    /// Frames since a part has moved.
    still: u32,
}

impl BeltMotion {
    pub fn velocity(&self) -> Vector {
        self.velocity
    }

    /// How far behind the middle line a place is: negative before it, none while the direction is not known.
    fn along(&self, at: Vector, frame: &Frame) -> Option<f32> {
        Some(self.travel.direction()?.dot(at - 0.5 * frame.size))
    }

    /// How far from the middle line, or from the middle as long as there is no line. Of a way through the frame, both are
    /// least at the same place.
    fn off_middle(&self, at: Vector, frame: &Frame) -> f32 {
        self.along(at, frame).map_or_else(|| (at - 0.5 * frame.size).norm(), f32::abs)
    }

    /// A part is within one frame of the middle if it is nearer than this.
    fn reach(&self) -> f32 {
        self.stride + 0.5 * NOISE
    }

    fn is_known(&self) -> bool {
        self.travel != Vector::ZERO
    }

    fn stands(&self) -> bool {
        self.still >= STILL_MIN
    }

    /// Another frame, in which no part has moved so far.
    pub fn stay(&mut self) {
        self.still = self.still.saturating_add(1);
    }

    fn go(&mut self, way: Vector) {
        self.travel = MEMORY * self.travel + way;
        self.still = 0;
    }

    /// `velocity`: of the parts that move; none where no such part is seen.
    pub fn move_on(&mut self, velocity: Option<Vector>, elapsed_s: f32) {
        if let Some(velocity) = velocity {
            let share = if self.velocity == Vector::ZERO { 1.0 } else { 0.5 };
            self.velocity += share * (velocity - self.velocity);
        }
        self.stride = (STRIDE_KEPT * self.stride).max(self.velocity.norm() * elapsed_s);
    }
}

/// What becomes of a part.
pub enum Fate {
    Coming,
    Passed(Passed),
    /// It was something else, or was there before the first frame.
    NoPart,
    /// It was not seen before it had passed.
    Late,
}

/// A part on its way. Places are in pixels.
pub struct Track {
    /// Where it is: seen there, or expected.
    at: Vector,
    /// Pixels per second.
    velocity: Vector,
    /// About as many points as are seen of it.
    points: f32,
    first: Vector,
    last_seen: (Frame, Vector),
    /// From where its next move is measured.
    anchor: Vector,
    /// Where it was seen nearest to the middle, and when.
    sight: (u64, Vector),
    /// When it was nearest to the middle, seen or not, and how near.
    nearest: (u64, f32),
    sightings: u32,
    /// Frames since it was seen.
    misses: u32,
    is_whole: bool,
    /// Where it was when it last moved, and how far the belt has gone since, pixels.
    stood: (Vector, f32),
    has_moved: bool,
    is_piece: bool,
    /// It was there in the first frame.
    is_old: bool,
    /// It was announced, or is not to be.
    pub is_done: bool,
}

impl Track {
    pub fn new(part: &Sighting, frame: &Frame, velocity: Vector, is_piece: bool, is_old: bool) -> Self {
        let at = Vector::from(part.at);
        Self {
            at,
            velocity,
            points: part.points as f32,
            first: at,
            last_seen: (*frame, at),
            anchor: at,
            sight: (frame.captured_ns, at),
            nearest: (frame.captured_ns, f32::INFINITY),
            sightings: 1,
            misses: 0,
            is_whole: !part.cut,
            stood: (at, 0.0),
            has_moved: false,
            is_piece,
            is_old,
            is_done: false,
        }
    }

    /// The belt has gone on by so many pixels.
    pub fn stay_behind(&mut self, went: f32) {
        let (place, gone) = self.stood;
        let has_moved = (self.at - place).norm() >= NOISE;
        self.stood = if has_moved { (self.at, 0.0) } else { (place, gone + went) };
    }

    /// Whether the belt goes by under it: a guide or a fixture, which never passes.
    fn is_fixture(&self) -> bool {
        self.stood.1 > FIXTURE
    }

    /// Expects it where its velocity takes it.
    pub fn move_on(&mut self, elapsed_s: f32) {
        self.at += elapsed_s * self.velocity;
    }

    /// How far a part is from where this one is expected, and further for a piece; none where it cannot be this one.
    /// `spacing`: from that part to the nearest other one.
    pub fn error(&self, part: &Sighting, spacing: f32, belt: &BeltMotion, frame: &Frame) -> Option<f32> {
        let at = Vector::from(part.at);
        let radius = (self.points / PI).sqrt();
        let far = if belt.is_known() { 0.25 } else { 0.5 };
        let gate = spacing.max(radius).min(far * frame.size.x.max(frame.size.y));
        let goes_back = belt.along(at, frame).zip(belt.along(self.last_seen.1, frame)).is_some_and(|(now, before)| {
            // What was announced must not hide a part that was not.
            now < before - radius.max(NOISE) || self.is_done && now < -NOISE
        });
        let error = (at - self.at).norm();
        // A part that was in pieces is itself again, not the piece.
        let precedence = if self.is_piece { frame.size.x.max(frame.size.y) } else { 0.0 };
        (error <= gate && !goes_back).then_some(error + precedence)
    }

    /// It is seen again; its velocity since it was seen last, where there is one.
    pub fn see(&mut self, part: &Sighting, frame: &Frame, belt: &mut BeltMotion) -> Option<Vector> {
        self.at = Vector::from(part.at);
        let elapsed_s = self.last_seen.0.seconds_until(frame.captured_ns);
        // Where nothing is known of the belt, what is seen after a gap may be another part, and teach it the wrong way.
        let is_sure = self.misses == 0 || belt.is_known();
        let velocity = (elapsed_s > 0.0 && is_sure).then(|| (self.at - self.last_seen.1) / elapsed_s);
        if let Some(velocity) = velocity {
            let share = if belt.is_known() { 0.5 } else { 1.0 };
            self.velocity += share * (velocity - self.velocity);
        }
        if !is_sure || !self.is_whole && !part.cut {
            // The middle of what was seen of it before was not the part's.
            self.anchor = self.at;
        }
        self.is_whole |= !part.cut;
        let way = self.at - self.anchor;
        if way.norm() >= NOISE {
            (self.anchor, self.has_moved) = (self.at, true);
            if !part.cut || !belt.is_known() {
                belt.go(way);
            }
        }
        self.points += 0.2 * (part.points as f32 - self.points);
        self.last_seen = (*frame, self.at);
        self.sightings += 1;
        self.misses = 0;
        self.is_piece &= self.sightings <= PIECE_MAX;
        velocity
    }

    /// Whether it tells how the belt moves.
    pub fn is_telling(&self) -> bool {
        self.has_moved && self.is_whole
    }

    /// It is not seen in this frame; it moves as the belt does, where that is seen.
    pub fn miss(&mut self, velocity: Option<Vector>) {
        self.misses += 1;
        self.velocity = velocity.unwrap_or(self.velocity);
    }

    pub fn is_missed(&self) -> bool {
        self.misses > 0
    }

    /// Whether `piece` came off this part, of which `rest` is left.
    pub fn has_lost(&self, piece: &Sighting, rest: &Sighting) -> bool {
        let near = distance(piece.at, rest.at) <= 3.0 * (self.points / PI).sqrt();
        // Its usual points have taken in this frame's already.
        let before = (self.points - 0.2 * rest.points as f32) / 0.8;
        near && (piece.points + rest.points) as f32 <= PIECES_SHARE * before
    }

    /// Notes how near to the middle it is.
    pub fn note(&mut self, belt: &BeltMotion, frame: &Frame) {
        let now = belt.off_middle(self.at, frame);
        // Where it stands, or is still to come, the newest frame is as good as any.
        let is_coming = belt.along(self.at, frame).is_some_and(|along| along < -belt.reach());
        let is_best = |best: f32| now < best || is_coming || belt.stands() && now <= best + NOISE;
        if self.misses == 0 && is_best(belt.off_middle(self.sight.1, frame)) {
            self.sight = (frame.captured_ns, self.at);
        }
        if is_best(self.nearest.1) {
            self.nearest = (frame.captured_ns, now);
        }
    }

    pub fn fate(&self, belt: &BeltMotion, frame: &Frame) -> Fate {
        let is_given_up = self.misses > MISSES_MAX;
        if self.is_done || self.is_fixture() {
            return Fate::Coming;
        }
        let Some(along) = belt.along(self.at, frame) else {
            return if is_given_up { Fate::Passed(self.seen()) } else { Fate::Coming };
        };
        let is_near = self.was_seen_passing(belt, frame);
        if self.misses > 0 && self.is_piece || is_given_up && !self.is_whole && !is_near {
            return Fate::NoPart;
        }
        let best = belt.off_middle(self.sight.1, frame).min(self.nearest.1);
        let is_past = along > 0.0 && along >= best + NOISE;
        let has_left = !frame.contains(self.at);
        let is_missing = belt.stands() && self.misses > GONE_MIN;
        if !(is_past || has_left || is_missing) {
            return Fate::Coming;
        }
        if is_near {
            return Fate::Passed(self.seen());
        }
        if self.came_before(belt, frame) {
            return Fate::Passed(Passed { captured_ns: self.nearest.0, at: None });
        }
        match (self.is_piece, self.is_old || !self.is_whole, self.sightings > 1 || has_left) {
            (true, ..) => Fate::Coming,
            (_, true, _) | (_, _, false) => Fate::NoPart,
            (false, false, true) => Fate::Late,
        }
    }

    fn seen(&self) -> Passed {
        Passed { captured_ns: self.sight.0, at: Some(self.sight.1.into()) }
    }

    /// Whether it was seen within one frame of the middle.
    fn was_seen_passing(&self, belt: &BeltMotion, frame: &Frame) -> bool {
        belt.off_middle(self.sight.1, frame) <= belt.reach()
    }

    /// Whether it was first seen before it had passed.
    fn came_before(&self, belt: &BeltMotion, frame: &Frame) -> bool {
        belt.along(self.first, frame).is_none_or(|along| along <= belt.reach())
    }

    /// The frame that may turn out to be this part's.
    pub fn kept_ns(&self, belt: &BeltMotion, frame: &Frame) -> Option<u64> {
        let may_pass = !self.is_done && !self.is_fixture();
        (may_pass && (!belt.is_known() || self.was_seen_passing(belt, frame))).then_some(self.sight.0)
    }

    /// The earliest moment for which it may still be announced.
    pub fn earliest_ns(&self, belt: &BeltMotion, frame: &Frame) -> Option<u64> {
        let sight_ns = self.was_seen_passing(belt, frame).then_some(self.sight.0);
        let earliest_ns = self.nearest.0.min(sight_ns.unwrap_or(u64::MAX));
        (!self.is_done && !self.is_fixture() && self.came_before(belt, frame)).then_some(earliest_ns)
    }

    pub fn is_due_at_end(&self, belt: &BeltMotion, frame: &Frame) -> bool {
        let may_pass = !self.is_done && !self.is_fixture();
        may_pass && (self.came_before(belt, frame) || !self.is_old && !self.is_piece)
    }

    /// What is announced of it when the stream ends.
    pub fn last(&self, belt: &BeltMotion, frame: &Frame) -> Passed {
        let is_in_view = self.misses <= MISSES_MAX && self.came_before(belt, frame);
        Passed { at: self.seen().at.filter(|_| is_in_view), ..self.seen() }
    }

    /// Whether the part was judged and has left the frame, so that no later frame can show it.
    pub fn is_gone(&self, frame: &Frame) -> bool {
        self.is_done && (!frame.contains(self.at) && self.misses > 0 || self.misses > GONE_MIN)
    }
}
