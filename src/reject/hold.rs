//! Which faults there are, and for how long they hold the output at reject.

use super::fault::{Fault, FaultSet, Recover};

/// Everything that was between camera and ejector when a fault ended has to pass as a reject.
#[derive(Clone, Copy)]
struct Flush {
    /// Where the last of it reaches the ejector: nanoseconds or counts, as parts' are.
    due: u64,
    /// Nanoseconds; known once `due` is reached.
    end: Option<u64>,
}

/// The active faults, and the flush in which some of them end.
#[derive(Default)]
pub struct Hold {
    active: FaultSet,
    /// Those of them that end with the flush.
    flushing: FaultSet,
    flush: Option<Flush>,
}

/// How a raised fault relates to the faults that are active.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Raised {
    New,
    /// It had not ended yet, and came once more.
    Again,
    /// It is active and has not ended in between.
    Known,
}

impl Hold {
    pub fn active(&self) -> FaultSet {
        self.active
    }

    /// Whether the output is held at reject.
    pub fn is_held(&self) -> bool {
        self.flush.is_some() || self.active.holds()
    }

    /// Whether `fault` is there, and its cause has not gone.
    pub fn persists(&self, fault: Fault) -> bool {
        self.active.contains(fault) && !self.flushing.contains(fault)
    }

    /// A fault has come. `due` is where a part that is announced now reaches the ejector.
    pub fn raise(&mut self, fault: Fault, due: u64) -> Raised {
        let persists = self.persists(fault);
        let known = self.active.contains(fault);
        self.active.insert(fault);
        if fault.rule().recover == Recover::Flush {
            self.flush(fault, due);
        } else if persists {
            return Raised::Known;
        } else {
            self.flushing.remove(fault);
        }
        if known { Raised::Again } else { Raised::New }
    }

    /// A fault's cause has gone; whether the fault has ended with it.
    pub fn clear(&mut self, fault: Fault, due: u64) -> bool {
        if !self.persists(fault) {
            return false;
        }
        match fault.rule().recover {
            Recover::Clear => self.active.remove(fault),
            Recover::ClearAndFlush => self.flush(fault, due),
            Recover::Flush | Recover::Acknowledge => {}
        }
        !self.active.contains(fault)
    }

    /// A person has acknowledged the faults: returns those that end with that.
    pub fn acknowledge(&mut self) -> FaultSet {
        let mut ended = FaultSet::default();
        let seen = self.active.iter().filter(|fault| fault.rule().recover == Recover::Acknowledge);
        seen.for_each(|fault| ended.insert(fault));
        ended.iter().for_each(|fault| self.active.remove(fault));
        ended
    }

    /// The faults that end now. `position` is the ejector's, in the unit of `due`; `pulse_ns`: the longest time before it.
    pub fn poll(&mut self, now: u64, position: u64, pulse_ns: impl FnOnce() -> u64) -> FaultSet {
        let Some(flush) = &mut self.flush else { return FaultSet::default() };
        if flush.end.is_none() && position >= flush.due {
            // The last part may just have reached the ejector: it takes as long as any other to pass.
            flush.end = Some(now + pulse_ns());
        }
        if flush.end.is_none_or(|end| now < end) {
            return FaultSet::default();
        }
        self.flush = None;
        let ended = std::mem::take(&mut self.flushing);
        ended.iter().for_each(|fault| self.active.remove(fault));
        ended
    }

    /// When [`Self::poll`] has something to do, if `due` is a time.
    pub fn wake(&self, due_is_time: bool) -> Option<u64> {
        let flush = self.flush?;
        flush.end.or(due_is_time.then_some(flush.due))
    }

    fn flush(&mut self, fault: Fault, due: u64) {
        self.flushing.insert(fault);
        self.flush = Some(Flush { due, end: None });
    }
}
