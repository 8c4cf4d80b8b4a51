//! What the station's threads and the actuator tell each other, by bounded lock-free queues.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use heapless::spsc::{Consumer, Producer, Queue};
use rustix::event::{EventfdFlags, eventfd};

use super::fault::Fault;
use super::part::{Event, PartId};

/// Threads that have a way to the line.
const SENDERS: usize = 3;
/// Commands that may wait, for each of them.
const COMMANDS: usize = 64;
/// Events that may wait for whoever takes them.
const EVENTS: usize = 1024;

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

/// What wakes and stops the actuator.
pub(super) struct Bell {
    file: OwnedFd,
    stop: AtomicBool,
}

impl Bell {
    pub fn new() -> io::Result<Self> {
        let file = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        Ok(Self { file, stop: AtomicBool::new(false) })
    }

    pub fn file(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }

    pub fn ring(&self) {
        // It fails only where it has been rung 2^64 times and not been heard.
        let _ = rustix::io::write(&self.file, &1u64.to_ne_bytes());
    }

    pub fn hear(&self) {
        // It fails only where it was not rung.
        let _ = rustix::io::read(&self.file, &mut [0u8; 8]);
    }

    pub fn stop(&self) {
        self.stop.store(true, Ordering::Release);
        self.ring();
    }

    pub fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Acquire)
    }
}

/// One thread's way to the line.
pub struct Commands {
    queue: Producer<'static, Command>,
    bell: Arc<Bell>,
}

impl Commands {
    /// Hands a command over and wakes the actuator, without waiting; false when there is no room for it now.
    pub fn send(&mut self, command: Command) -> bool {
        let sent = self.queue.enqueue(command).is_ok();
        self.bell.ring();
        sent
    }
}

/// The line's answers.
pub struct Events {
    queue: Consumer<'static, Event>,
}

impl Iterator for Events {
    type Item = Event;

    /// The oldest event that was not taken yet; none when there is none now.
    fn next(&mut self) -> Option<Event> {
        self.queue.dequeue()
    }
}

/// The actuator's ends.
pub(super) struct Ends {
    pub commands: [Consumer<'static, Command>; SENDERS],
    pub events: Producer<'static, Event>,
    pub bell: Arc<Bell>,
}

/// The station's ends: one for each thread that has something to tell.
pub struct Handles {
    pub capture: Commands,
    pub inspection: Commands,
    pub station: Commands,
    pub events: Events,
}

/// Both ends of a line's queues. They stay for as long as the program runs: a station starts one line.
pub(super) fn queues() -> io::Result<(Handles, Ends)> {
    let bell = Arc::new(Bell::new()?);
    let way = || {
        let (queue, consumer) = kept::<Command, { COMMANDS + 1 }>();
        (Commands { queue, bell: bell.clone() }, consumer)
    };
    let ((capture, from_capture), (inspection, from_inspection), (station, from_station)) = (way(), way(), way());
    let (events, taken) = kept::<Event, { EVENTS + 1 }>();
    let handles = Handles { capture, inspection, station, events: Events { queue: taken } };
    let commands = [from_capture, from_inspection, from_station];
    Ok((handles, Ends { commands, events, bell }))
}

/// A queue whose ends any thread may have.
pub(super) fn kept<T: 'static, const N: usize>() -> (Producer<'static, T>, Consumer<'static, T>) {
    Box::leak(Box::new(Queue::<T, N>::new())).split()
}
