//! The way of the messages from the station's threads to the writer: bounded queues without locks. What finds no room is
//! remembered by the numbers of the parts, and told as soon as there is room.

use std::sync::{Arc, Mutex};

use heapless::Vec as Few;
use heapless::spsc::{Consumer, Producer};

use super::message::Message;
use crate::locked::locked;
use crate::queue::kept;

/// Messages that may wait in one queue: several seconds of a fast line.
pub const MESSAGES_MAX: usize = 1024;
/// Ranges of parts that one sender remembers; more are told as one range with the parts between them.
const RANGES_MAX: usize = 32;

type Ranges = Few<[u64; 2], RANGES_MAX>;

/// One thread's end of a queue. It never waits, and allocates nothing.
pub struct Sender {
    queue: Producer<'static, Message>,
    /// Parts of which a message found no room, and that the writer does not know of yet.
    lost: Ranges,
    /// What a sender leaves that ends before it could tell.
    left: Arc<Mutex<Vec<[u64; 2]>>>,
}

/// The writer's end of all queues.
#[derive(Default)]
pub struct Receiver {
    queues: Vec<Consumer<'static, Message>>,
    left: Arc<Mutex<Vec<[u64; 2]>>>,
}

impl Receiver {
    /// A sender with a queue of its own.
    pub fn sender(&mut self) -> Sender {
        let (queue, messages) = kept::<Message, { MESSAGES_MAX + 1 }>();
        self.queues.push(messages);
        Sender { queue, lost: Ranges::new(), left: self.left.clone() }
    }

    /// Takes what waits: all of it, unless more comes meanwhile than the queues hold.
    pub fn drain(&mut self, take: &mut dyn FnMut(Message)) {
        for queue in &mut self.queues {
            std::iter::from_fn(|| queue.dequeue()).take(MESSAGES_MAX).for_each(&mut *take);
        }
        let left = std::mem::take(&mut *locked(&self.left));
        left.into_iter().for_each(|[first, last]| take(Message::Lost { first, last }));
    }
}

impl Sender {
    pub fn send(&mut self, message: Message) {
        self.tell_lost();
        if !self.lost.is_empty() || self.queue.enqueue(message).is_err() {
            self.lose(message.parts());
        }
    }

    fn tell_lost(&mut self) {
        while let Some([first, last]) = self.lost.first().copied() {
            if self.queue.enqueue(Message::Lost { first, last }).is_err() {
                return;
            }
            self.lost.remove(0);
        }
    }

    fn lose(&mut self, [first, last]: [u64; 2]) {
        let is_full = self.lost.is_full();
        if let Some(before) = self.lost.last_mut()
            && (is_full || first <= before[1] + 1 && last + 1 >= before[0])
        {
            *before = [before[0].min(first), before[1].max(last)];
            return;
        }
        // There is room: a full list was extended above.
        let _ = self.lost.push([first, last]);
    }
}

impl Drop for Sender {
    fn drop(&mut self) {
        if !self.lost.is_empty() {
            locked(&self.left).extend(self.lost.iter());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drained(receiver: &mut Receiver) -> Vec<Message> {
        let mut taken = Vec::new();
        receiver.drain(&mut |message| taken.push(message));
        taken
    }

    fn lost(messages: &[Message]) -> Vec<[u64; 2]> {
        messages.iter().filter(|m| matches!(m, Message::Lost { .. })).map(Message::parts).collect()
    }

    #[test]
    fn what_finds_no_room_is_told_as_soon_as_there_is_some() {
        let mut receiver = Receiver::default();
        let mut sender = receiver.sender();
        let max = MESSAGES_MAX as u64;
        (0..max + 5).for_each(|part| sender.send(Message::Late { part }));
        sender.send(Message::Late { part: 3 });
        let first = drained(&mut receiver);
        assert_eq!((first.len(), lost(&first).len()), (MESSAGES_MAX, 0));
        sender.send(Message::Late { part: 5000 });
        let next = drained(&mut receiver);
        assert_eq!(lost(&next), [[max, max + 4], [3, 3]]);
        assert_eq!(next.len(), 3, "and the message itself");
    }

    #[test]
    fn many_ranges_become_one_and_none_is_forgotten_at_the_end() {
        let mut receiver = Receiver::default();
        let mut sender = receiver.sender();
        (0..MESSAGES_MAX as u64).for_each(|part| sender.send(Message::Late { part }));
        (0..100).for_each(|i| sender.send(Message::Late { part: 10_000 + 10 * i }));
        drop(sender);
        let told = lost(&drained(&mut receiver));
        assert_eq!(told.len(), RANGES_MAX);
        assert!((0..100).all(|i| told.iter().any(|[first, last]| (*first..=*last).contains(&(10_000 + 10 * i)))));
    }
}
