//! One thread's way to the actuator: faults and overflows that find no room in the channel are sent again later.

use super::channel::{Command, Commands};
use super::fault::{Fault, FaultSet};
use super::part::PartId;
use super::plan::RejectRecipe;

/// Sends a command without waiting; false if the channel has no room for it now.
type SendCommand = Box<dyn FnMut(Command) -> bool + Send>;

pub struct Sender {
    send: SendCommand,
    /// Faults of this thread that are there now.
    faults: FaultSet,
    /// Faults of this thread that the actuator knows of.
    told: FaultSet,
    /// A part could not be announced, and the actuator does not know yet.
    overflowed: bool,
}

impl Sender {
    /// `told`: faults that the actuator starts with and that this thread clears.
    pub fn new(mut commands: Commands, told: FaultSet) -> Self {
        Self::with_send(Box::new(move |command| commands.send(command)), told)
    }

    /// A sender whose commands go to `send`.
    pub fn with_send(send: SendCommand, told: FaultSet) -> Self {
        Self { send, faults: told, told, overflowed: false }
    }

    /// Announces a part. False if there was no room: the actuator gives the part no number, and holds the output at
    /// reject until it has passed, since it would pass unseen.
    pub fn trigger(&mut self, at_ns: u64) -> bool {
        let sent = (self.send)(Command::Trigger { at_ns });
        self.overflowed |= !sent;
        self.tell();
        sent
    }

    /// Tells the actuator that parts may pass which were not announced: it holds the output at reject until they have.
    pub fn lose_parts(&mut self) {
        self.overflowed = true;
        self.tell();
    }

    /// Accepts a part that was judged by `recipe`. An accept that finds no room is lost, and its part is rejected.
    pub fn accept(&mut self, part: u64, recipe: u16) -> bool {
        (self.send)(Command::Accept { part: PartId(part), recipe })
    }

    /// Announces parts under another recipe from now on. False where the actuator does not know of the fault that covers
    /// the change yet, or has no room: try again.
    pub fn change_recipe(&mut self, recipe: RejectRecipe) -> bool {
        self.raise(Fault::RecipeChange);
        self.told.contains(Fault::RecipeChange) && (self.send)(Command::Recipe(recipe))
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
        (self.send)(Command::Acknowledge)
    }

    /// Tells the actuator what it does not know yet; what finds no room is sent at the next call.
    pub fn tell(&mut self) {
        if self.overflowed {
            self.overflowed = !(self.send)(Command::Raise(Fault::QueueOverflow));
        }
        if self.faults == self.told {
            return;
        }
        for fault in Fault::ALL {
            match (self.faults.contains(fault), self.told.contains(fault)) {
                (true, false) if (self.send)(Command::Raise(fault)) => self.told.insert(fault),
                (false, true) if (self.send)(Command::Clear(fault)) => self.told.remove(fault),
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    /// A sender whose channel takes `room` commands, and the commands that it took.
    fn sender(room: usize, told: FaultSet) -> (Sender, Arc<Mutex<Vec<Command>>>) {
        let sent = Arc::new(Mutex::new(Vec::new()));
        let log = sent.clone();
        let send = move |command| {
            let mut sent = log.lock().unwrap();
            let fits = sent.len() < room;
            sent.extend(fits.then_some(command));
            fits
        };
        (Sender::with_send(Box::new(send), told), sent)
    }

    #[test]
    fn a_fault_is_said_once_until_it_is_over() {
        let (mut sender, sent) = sender(9, FaultSet::of(Fault::Starting));
        sender.clear(Fault::CameraLost);
        (0..3).for_each(|_| sender.raise(Fault::CameraLost));
        (0..3).for_each(|_| sender.clear(Fault::CameraLost));
        (0..3).for_each(|_| sender.clear(Fault::Starting));
        let lost = Fault::CameraLost;
        assert_eq!(
            *sent.lock().unwrap(),
            [Command::Raise(lost), Command::Clear(lost), Command::Clear(Fault::Starting)]
        );
    }

    #[test]
    fn what_finds_no_room_is_said_later_and_an_unannounced_part_is_an_overflow() {
        let (mut sender, sent) = sender(1, FaultSet::default());
        assert!(sender.trigger(1));
        assert!(!sender.trigger(2));
        sender.raise(Fault::EngineError);
        assert!(!sender.accept(0, 0));
        assert_eq!(std::mem::take(&mut *sent.lock().unwrap()), [Command::Trigger { at_ns: 1 }]);
        sender.tell();
        assert_eq!(std::mem::take(&mut *sent.lock().unwrap()), [Command::Raise(Fault::QueueOverflow)]);
        sender.tell();
        sender.tell();
        assert_eq!(std::mem::take(&mut *sent.lock().unwrap()), [Command::Raise(Fault::EngineError)]);
        sender.lose_parts();
        assert_eq!(*sent.lock().unwrap(), [Command::Raise(Fault::QueueOverflow)]);
    }
}
