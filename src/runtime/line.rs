//! The line as the station's threads see it: what they tell the thread that drives the outputs, and what it tells them.

use crate::reject::fault::{Fault, FaultSet};
use crate::reject::part::{Event, PartId};

/// What the line is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// A part that was found in a frame, at this time.
    Trigger {
        at_ns: u64,
    },
    /// The part is good.
    Accept(PartId),
    Raise(Fault),
    Clear(Fault),
    /// A person has seen to the faults that wait for one.
    Acknowledge,
}

/// The way of one thread to the line.
pub trait Commands: Send {
    /// Hands a command over without waiting; false when there is no room for it now.
    fn send(&mut self, command: Command) -> bool;
}

/// The line's answers.
pub trait Events: Send {
    /// The oldest event that was not taken yet.
    fn next(&mut self) -> Option<Event>;
}

/// The ways to one line.
pub struct LineHandles {
    pub capture: Box<dyn Commands>,
    pub inspection: Box<dyn Commands>,
    pub station: Box<dyn Commands>,
    pub events: Box<dyn Events>,
}

/// One thread's way to the line, with what is not to get lost on it.
pub struct Line {
    commands: Box<dyn Commands>,
    /// Faults of this thread that are to be raised, and those that the line knows of.
    faults: FaultSet,
    told: FaultSet,
    /// A part could not be announced, and the line does not know yet.
    overflowed: bool,
}

impl Line {
    /// `told`: faults that the line starts with and that this thread ends.
    pub fn new(commands: Box<dyn Commands>, told: FaultSet) -> Self {
        Self { commands, faults: told, told, overflowed: false }
    }

    /// A part that cannot be announced would pass unseen: the line then holds at reject until it has passed.
    pub fn trigger(&mut self, at_ns: u64) {
        self.overflowed |= !self.commands.send(Command::Trigger { at_ns });
        self.tell();
    }

    /// An accept that finds no room is lost, and its part rejected.
    pub fn accept(&mut self, part: u64) -> bool {
        self.commands.send(Command::Accept(PartId(part)))
    }

    pub fn raise(&mut self, fault: Fault) {
        self.faults.insert(fault);
        self.tell();
    }

    pub fn clear(&mut self, fault: Fault) {
        self.faults.remove(fault);
        self.tell();
    }

    pub fn acknowledge(&mut self) -> bool {
        self.commands.send(Command::Acknowledge)
    }

    /// Says what the line does not know yet; what finds no room is said the next time.
    pub fn tell(&mut self) {
        if self.overflowed {
            self.overflowed = !self.commands.send(Command::Raise(Fault::QueueOverflow));
        }
        if self.faults == self.told {
            return;
        }
        for fault in Fault::ALL {
            match (self.faults.contains(fault), self.told.contains(fault)) {
                (true, false) if self.commands.send(Command::Raise(fault)) => self.told.insert(fault),
                (false, true) if self.commands.send(Command::Clear(fault)) => self.told.remove(fault),
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    /// Takes so many commands.
    struct Room(usize, Arc<Mutex<Vec<Command>>>);

    impl Commands for Room {
        fn send(&mut self, command: Command) -> bool {
            let mut sent = self.1.lock().unwrap();
            let fits = sent.len() < self.0;
            if fits {
                sent.push(command);
            }
            fits
        }
    }

    #[test]
    fn a_fault_is_said_once_until_it_is_over() {
        let sent = Arc::new(Mutex::new(Vec::new()));
        let mut starting = FaultSet::default();
        starting.insert(Fault::Starting);
        let mut line = Line::new(Box::new(Room(9, sent.clone())), starting);
        line.clear(Fault::CameraLost);
        (0..3).for_each(|_| line.raise(Fault::CameraLost));
        (0..3).for_each(|_| line.clear(Fault::CameraLost));
        (0..3).for_each(|_| line.clear(Fault::Starting));
        let lost = Fault::CameraLost;
        assert_eq!(
            *sent.lock().unwrap(),
            [Command::Raise(lost), Command::Clear(lost), Command::Clear(Fault::Starting)]
        );
    }

    #[test]
    fn what_finds_no_room_is_said_later_and_an_unannounced_part_is_an_overflow() {
        let sent = Arc::new(Mutex::new(Vec::new()));
        let mut line = Line::new(Box::new(Room(1, sent.clone())), FaultSet::default());
        line.trigger(1);
        line.trigger(2);
        line.raise(Fault::EngineError);
        assert!(!line.accept(0));
        assert_eq!(std::mem::take(&mut *sent.lock().unwrap()), [Command::Trigger { at_ns: 1 }]);
        line.tell();
        assert_eq!(std::mem::take(&mut *sent.lock().unwrap()), [Command::Raise(Fault::QueueOverflow)]);
        line.tell();
        line.tell();
        assert_eq!(*sent.lock().unwrap(), [Command::Raise(Fault::EngineError)]);
    }
}
