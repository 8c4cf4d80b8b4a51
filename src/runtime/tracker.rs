//! Several parts in one frame, each followed by its own position until it has passed the middle.
//!
//! Every part that is seen belongs to a track, which says where it has to be in the next frame; the nearest part
//! continues it. The direction and the speed of the belt are learned from the tracks. The middle line goes through the
//! middle of the frame, across the belt's way; the frame in which a part was nearest to it is the part's own.
//!
//! Whatever cannot be followed costs a reject, or is a [`Loss`], for which the reject output is to be held at reject:
//!
//! - A part that is not seen for some frames is expected where the belt takes it. Where it is not seen within one frame
//!   of the middle, it is announced without a position for the moment at which it had to be there: it is rejected.
//! - A part that is seen first when it is past the middle cannot be announced in time: [`Loss::Late`]. Only what is seen
//!   in a single frame there and not again is no part, and neither is what the border of the frame cuts: a part that
//!   leaves the frame may fall into several. So each lane has to be whole in the picture. A part that the border cuts all
//!   the way is announced as well, but not where it is lost for long.
//! - What stays where it is while the belt goes on is a guide or a fixture, and never passes.
//! - More parts than can be followed are [`Loss::TooMany`].
//! - Parts that touch are seen as one, which is announced once and judged as one. Where they come apart, the second is
//!   a part from then on: with a trigger of its own before the middle, [`Loss::Late`] behind it. Where two parts become
//!   one, the second goes on unseen and is rejected.
//! - A piece that comes off a part and is back within five frames, as when depth fails in between, is no part.
//! - Two parts that cross each other are still announced twice; which is which does not matter, as each is judged where it
//!   is seen.
//!
//! From frame to frame the belt has to move by less than half the distance between two parts in a row, and by less than
//! the distance between two side by side: a row that moves by more looks as if it moved the other way. Nothing here can
//! tell.

mod seen;
#[cfg(test)]
mod tests;
mod track;
mod vector;

use heapless::Vec;
use thiserror::Error;

use seen::distance;
use track::{BeltMotion, Fate, Frame, Track};
use vector::Vector;

pub use seen::{Passed, Sighting};

/// Parts that may be seen in one frame.
pub const PARTS_MAX: usize = 16;
/// Parts that are followed, with those that are not seen at the moment.
pub const TRACKS_MAX: usize = 2 * PARTS_MAX;
/// Parts that may be announced at once.
pub const PASSED_MAX: usize = 2 * TRACKS_MAX;

/// Why a part may pass without a trigger: what is on its way has to be held at reject.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Loss {
    /// More parts than [`PARTS_MAX`] in a frame, or [`TRACKS_MAX`] in all.
    #[error("there are more parts in view than can be followed, {PARTS_MAX} at most")]
    TooMany,
    #[error("a part was seen only when it had passed the middle of the frame")]
    Late,
}

/// The result of a frame.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Looked {
    /// In the order of their times, from one frame to the next as well.
    pub passed: Vec<Passed, PASSED_MAX>,
    pub loss: Option<Loss>,
}

/// Follows the parts in a stream of frames. It allocates nothing.
#[derive(Default)]
pub struct Tracker {
    tracks: Vec<Track, TRACKS_MAX>,
    belt: BeltMotion,
    frame: Option<Frame>,
    /// Parts that wait for others which may have been in the middle before them.
    pending: Vec<Passed, PASSED_MAX>,
}

impl Tracker {
    /// Takes in the parts of the next frame, whose `size` is its width and height in pixels.
    pub fn look(&mut self, seen: &[Sighting], size: (usize, usize), captured_ns: u64) -> Looked {
        let before = self.frame.replace(Frame::new(size, captured_ns));
        let frame = Frame::new(size, captured_ns);
        let mut loss = (seen.len() > PARTS_MAX).then_some(Loss::TooMany);
        let seen = &seen[..seen.len().min(PARTS_MAX)];
        let elapsed_s = before.map_or(0.0, |before| before.seconds_until(captured_ns));
        for track in &mut self.tracks {
            track.move_on(elapsed_s);
        }
        let pairs = self.assign(seen, &frame);
        self.belt.stay();
        self.follow(seen, &pairs, &frame, elapsed_s);
        for (number, part) in seen.iter().enumerate() {
            if pairs.iter().any(|pair| pair.part == number) {
                continue;
            }
            let piece = self.is_piece(part, seen, &pairs);
            let track = Track::new(part, &frame, self.belt.velocity(), piece, before.is_none());
            if self.tracks.push(track).is_err() {
                loss = Some(Loss::TooMany);
            }
        }
        let went = elapsed_s * self.belt.velocity().norm();
        for track in &mut self.tracks {
            track.stay_behind(went);
        }
        let late = self.settle(&frame);
        Looked { passed: self.release(), loss: loss.or(late) }
    }

    /// When the frames were captured that may turn out to show a part in the middle.
    pub fn kept_ns(&self) -> impl Iterator<Item = u64> {
        let open = self.tracks.iter().filter_map(|track| track.kept_ns(&self.belt, self.frame.as_ref()?));
        let pending = self.pending.iter().filter(|passed| passed.at.is_some()).map(|passed| passed.captured_ns);
        open.chain(pending)
    }

    /// The parts that were in view at the end of the stream and had not been announced.
    pub fn finish(&mut self) -> Vec<Passed, PASSED_MAX> {
        if let Some(frame) = &self.frame {
            for track in self.tracks.iter().filter(|track| track.is_due_at_end(&self.belt, frame)) {
                // There is room for every track beside those that wait.
                let _ = self.pending.push(track.last(&self.belt, frame));
            }
        }
        self.tracks.clear();
        self.release()
    }

    /// Which track each part continues: the nearest two belong together, then the nearest of the others.
    fn assign(&self, seen: &[Sighting], frame: &Frame) -> Vec<Pair, PARTS_MAX> {
        let mut spacing = [f32::INFINITY; PARTS_MAX];
        for (i, part) in seen.iter().enumerate() {
            let others = seen.iter().enumerate().filter(|(j, _)| *j != i);
            spacing[i] = others.map(|(_, other)| distance(part.at, other.at)).fold(f32::INFINITY, f32::min);
        }
        let mut pairs = Vec::<Pair, PARTS_MAX>::new();
        loop {
            let mut nearest: Option<(f32, Pair)> = None;
            for (number, track) in self.tracks.iter().enumerate() {
                for (part, seen) in seen.iter().enumerate() {
                    let pair = Pair { track: number, part };
                    if pairs.iter().any(|other| other.track == number || other.part == part) {
                        continue;
                    }
                    let error = track.error(seen, spacing[part], &self.belt, frame);
                    if let Some(error) = error.filter(|error| nearest.is_none_or(|(least, _)| *error < least)) {
                        nearest = Some((error, pair));
                    }
                }
            }
            let Some((_, pair)) = nearest else { return pairs };
            // There is one for each part at most.
            let _ = pairs.push(pair);
        }
    }

    /// Continues the tracks with what was seen of them, and learns how the belt moves.
    fn follow(&mut self, seen: &[Sighting], pairs: &[Pair], frame: &Frame, elapsed_s: f32) {
        let mut sum = Vector::ZERO;
        let mut moving = 0.0;
        for pair in pairs {
            let (track, part) = (&mut self.tracks[pair.track], &seen[pair.part]);
            let measured = track.see(part, frame, &mut self.belt);
            if let Some(velocity) = measured.filter(|_| track.is_telling()) {
                sum += velocity;
                moving += 1.0;
            }
        }
        let velocity = (moving > 0.0).then(|| sum / moving);
        self.belt.move_on(velocity, elapsed_s);
        for (number, track) in self.tracks.iter_mut().enumerate() {
            if pairs.iter().all(|pair| pair.track != number) {
                track.miss(velocity.map(|_| self.belt.velocity()));
            }
        }
    }

    /// Whether a new part and what is seen of a track together are what was seen of the track before.
    fn is_piece(&self, part: &Sighting, seen: &[Sighting], pairs: &[Pair]) -> bool {
        pairs.iter().any(|pair| self.tracks[pair.track].has_lost(part, &seen[pair.part]))
    }

    /// Finds the parts that have passed, and forgets those of which nothing more is to be known.
    fn settle(&mut self, frame: &Frame) -> Option<Loss> {
        let Self { tracks, belt, pending, .. } = self;
        let mut loss = None;
        tracks.retain_mut(|track| {
            track.note(belt, frame);
            let fate = track.fate(belt, frame);
            match fate {
                Fate::Coming => {}
                // There is room for every track beside those that wait: release sees to it.
                Fate::Passed(passed) => drop(pending.push(passed)),
                Fate::NoPart if track.is_missed() => return false,
                Fate::NoPart => {}
                Fate::Late => loss = Some(Loss::Late),
            }
            track.is_done |= !matches!(fate, Fate::Coming);
            !track.is_gone(frame)
        });
        loss
    }

    /// The parts before which no other can have passed any more.
    fn release(&mut self) -> Vec<Passed, PASSED_MAX> {
        let open = self.tracks.iter().filter_map(|track| track.earliest_ns(&self.belt, self.frame.as_ref()?));
        // Better out of order, which is detected, than without room for the next.
        let is_crowded = self.pending.len() > PASSED_MAX - TRACKS_MAX;
        let open_ns = if is_crowded { u64::MAX } else { open.min().unwrap_or(u64::MAX) };
        self.pending.sort_unstable_by_key(|passed| passed.captured_ns);
        let mut released = Vec::new();
        self.pending.retain(|passed| {
            let is_free = passed.captured_ns <= open_ns;
            // It holds as many as there may be.
            let _ = is_free.then(|| released.push(*passed));
            !is_free
        });
        released
    }
}

/// A track and the part that continues it, by their places.
#[derive(Clone, Copy)]
struct Pair {
    track: usize,
    part: usize,
}
