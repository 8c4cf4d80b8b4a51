//! What the station's threads and the actuator tell each other, by bounded lock-free queues.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use heapless::spsc::{Consumer, Producer};
use rustix::event::{EventfdFlags, eventfd};

use super::fault::Fault;
use super::part::{Event, PartId};
use super::plan::RejectRecipe;
use crate::queue::kept;

/// Threads that send commands to the actuator.
const SENDERS: usize = 3;
/// Commands of each of them that may wait.
const COMMANDS: usize = 64;
/// Events of the actuator that may wait to be taken.
const EVENTS: usize = 1024;

/// What a thread of the station tells the actuator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// A part was found in a frame, which was captured at this time.
    Trigger {
        /// CLOCK_MONOTONIC, nanoseconds.
        at_ns: u64,
    },
    /// The part is good.
    Accept {
        /// Its number.
        part: PartId,
        /// The recipe by which it was judged: it counts only if the part was announced under it.
        recipe: u16,
    },
    /// Parts are announced under this recipe from now on. The output is held at reject until [`Fault::RecipeChange`] is
    /// cleared, and what is on the belt by then passes as a reject.
    Recipe(RejectRecipe),
    /// Something is wrong, as [`Fault::rule`] has it.
    Raise(Fault),
    /// It is not wrong any more.
    Clear(Fault),
    /// A person has seen to the faults that wait for one.
    Acknowledge,
}

/// Wakes and stops the actuator.
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
        // It fails only after 2^64 rings that were not heard.
        let _ = rustix::io::write(&self.file, &1u64.to_ne_bytes());
    }

    pub fn hear(&self) {
        // It fails only if nobody rang.
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

/// The end of a channel by which one thread sends commands to the actuator.
pub struct Commands {
    queue: Producer<'static, Command>,
    bell: Arc<Bell>,
}

impl Commands {
    /// Sends a command and wakes the actuator, without waiting; false if there is no room for it now.
    pub fn send(&mut self, command: Command) -> bool {
        let sent = self.queue.enqueue(command).is_ok();
        self.bell.ring();
        sent
    }
}

/// The events of the actuator, as they come.
pub struct Events {
    queue: Consumer<'static, Event>,
}

impl Iterator for Events {
    type Item = Event;

    /// The oldest event that was not taken yet; none if there is none now.
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
    /// For the thread that takes frames and announces parts.
    pub capture: Commands,
    /// For the thread that judges parts and accepts the good ones.
    pub inspection: Commands,
    /// For the thread that watches over the others.
    pub station: Commands,
    /// What the actuator reports.
    pub events: Events,
}

/// Both ends of the queues between station and actuator. They are never freed: a station starts one actuator.
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
