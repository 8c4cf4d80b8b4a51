//! What is known of one part.

use super::message::{Judged, Message};
use crate::clock;
use crate::identity::Identity;
use crate::reject::part::PartOutcome;
use crate::runtime::books::Unjudged;
use crate::score::Verdict;

/// How long after everything else a note is waited for that its accept came too late.
const LATE_NS: u64 = 10_000_000_000;

/// How far a part came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It was announced, and may still be judged or pass the ejector.
    OnItsWay,
    /// It was judged or is known to have no verdict, and has passed the ejector.
    Finished,
    /// It was announced, and its end was never reported: the run ended first, or the line could not follow it.
    Unfinished,
    /// Something about it was lost on the way to the trace.
    Incomplete,
}

crate::words::words!(State {
    OnItsWay = "on_its_way",
    Finished = "finished",
    Unfinished = "unfinished",
    Incomplete = "incomplete",
});

/// When a part was announced, under which recipe and name.
#[derive(Clone, Copy, Debug)]
pub struct Announced {
    pub at_ns: u64,
    pub recipe: u16,
    pub identity: Identity,
}

/// What is known of one part. Times are CLOCK_MONOTONIC nanoseconds.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    pub part: u64,
    pub announced: Option<Announced>,
    pub judged: Option<Judged>,
    pub unjudged: Option<Unjudged>,
    pub settled: Option<(u64, PartOutcome)>,
    pub late: bool,
    /// A message about the part was lost.
    pub damaged: bool,
    /// Nothing more is expected.
    pub is_over: bool,
    /// What was added since the row was written.
    pub dirty: bool,
    /// Whether the file has a row of the part.
    pub stored: bool,
    /// Unix time at the zero of CLOCK_MONOTONIC when the row began: the times of one part agree whatever is done to the
    /// system's clock.
    epoch_ms: f64,
    /// When the last message came.
    heard_ns: u64,
}

impl Row {
    pub fn new(part: u64, now_ns: u64) -> Self {
        Self {
            part,
            announced: None,
            judged: None,
            unjudged: None,
            settled: None,
            late: false,
            damaged: false,
            is_over: false,
            dirty: true,
            stored: false,
            epoch_ms: clock::unix_ms(now_ns) as f64 - now_ns as f64 * 1e-6,
            heard_ns: now_ns,
        }
    }

    /// Adds what a message tells.
    pub fn add(&mut self, message: &Message, now_ns: u64) {
        match *message {
            Message::Triggered { at_ns, recipe, identity, .. } => {
                self.announced = Some(Announced { at_ns, recipe, identity });
            }
            Message::Judged(judged) => self.judged = Some(judged),
            Message::Unjudged { why, .. } => self.unjudged = Some(why),
            Message::Settled { at_ns, outcome, .. } => self.settled = Some((at_ns, outcome)),
            Message::Late { .. } => self.late = true,
            Message::Lost { .. } => self.damaged = true,
        }
        (self.dirty, self.heard_ns) = (true, now_ns);
    }

    /// Whether everything has come that is expected.
    pub fn is_complete(&self) -> bool {
        self.announced.is_some() && self.settled.is_some() && (self.judged.is_some() || self.unjudged.is_some())
    }

    /// Whether nothing more will come: an accept that was too late is told after everything else.
    pub fn is_finished(&self, now_ns: u64) -> bool {
        let passes = self.judged.is_some_and(|judged| judged.verdict == Verdict::Pass);
        let was_rejected = matches!(self.settled, Some((_, PartOutcome::Rejected | PartOutcome::Missed)));
        let may_be_late = passes && was_rejected && !self.late;
        self.is_complete() && (!may_be_late || now_ns.saturating_sub(self.heard_ns) > LATE_NS)
    }

    pub fn state(&self) -> State {
        match () {
            () if self.damaged => State::Incomplete,
            () if self.is_complete() => State::Finished,
            () if self.is_over => State::Unfinished,
            () => State::OnItsWay,
        }
    }

    /// Unix time of a moment, milliseconds.
    pub fn unix_ms(&self, at_ns: u64) -> i64 {
        (self.epoch_ms + at_ns as f64 * 1e-6).round() as i64
    }
}
