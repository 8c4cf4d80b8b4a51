//! The thread that drives the outputs. From its start to its end it allocates nothing, locks nothing, and makes no
//! system call but those that wait, tell the time, read edges and set outputs.

use std::io;
use std::os::fd::BorrowedFd;
use std::sync::Arc;
use std::thread::JoinHandle;

use heapless::Vec;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;

use super::channel::{Bell, Command, Ends, Handles, queues};
use super::edges::{Edge, EdgeKind, Edges, INPUTS_MAX};
use super::error::RejectError;
use super::fault::Fault;
use super::part::{Counters, Event, Outputs};
use super::plan::RejectPlan;
use super::realtime::{Alarm, lock_memory, lock_stack};
use super::schedule::Schedule;
use super::sink::Sink;
use super::tally::Tally;
use crate::clock::monotonic_ns;
use crate::priority;

/// Edges that are handled at once: more than the kernel keeps for three GPIO lines.
const EDGES_MAX: usize = 4096;
/// The alarm, the bell and the reject output, beside the inputs.
const FILES_MAX: usize = INPUTS_MAX + 3;
/// The thread's stack, all of which is locked.
const STACK_BYTES: usize = 1 << 20;

/// How the thread runs. The default is an ordinary thread, which needs no privilege; a station gives it a priority and locks
/// the memory, so that it is on time.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// SCHED_FIFO priority; none for an ordinary thread.
    pub priority: Option<u8>,
    /// Whether the program's memory stays in place, so that the thread never waits for the disk.
    pub lock_memory: bool,
    /// From one change of the heartbeat to the next.
    pub heartbeat_ns: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self { priority: None, lock_memory: false, heartbeat_ns: 250_000_000 }
    }
}

/// An actuator at work, and the ways to it.
pub struct Running {
    /// Commands to it, and its events.
    pub handles: Handles,
    /// Its sums and faults, to be read at any time.
    pub tally: Arc<Tally>,
    /// The thread. Keep it: dropping it stops the thread.
    pub actuator: Actuator,
}

/// What the actuator has counted by its end.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct ActuatorReport {
    /// What became of the parts.
    pub counters: Counters,
    /// The longest time by which it woke too late, nanoseconds.
    pub late_ns_worst: u64,
}

/// The thread. Dropping it stops the thread, with the outputs in their safe state.
pub struct Actuator {
    bell: Arc<Bell>,
    thread: Option<JoinHandle<Result<ActuatorReport, RejectError>>>,
}

impl Actuator {
    /// Whether it drives the outputs. If it does not, they are in their safe state, and [`Self::stop`] returns why.
    pub fn is_running(&self) -> bool {
        self.thread.as_ref().is_some_and(|thread| !thread.is_finished())
    }

    /// Ends the thread: the outputs are in their safe state when this returns.
    pub fn stop(mut self) -> Result<ActuatorReport, RejectError> {
        self.join().unwrap_or(Err(RejectError::Panicked))
    }

    fn join(&mut self) -> Option<Result<ActuatorReport, RejectError>> {
        self.bell.stop();
        let thread = self.thread.take()?;
        Some(thread.join().unwrap_or(Err(RejectError::Panicked)))
    }
}

impl Drop for Actuator {
    fn drop(&mut self) {
        if let Some(Err(error)) = self.join() {
            log::error!("{error}");
        }
    }
}

/// Starts the actuator. It holds the output at reject until [`Fault::Starting`] is cleared.
///
/// An error if the thread, or what it waits with, cannot be made. A program starts one actuator: its queues are never freed.
///
/// ```
/// use std::thread::sleep;
/// use std::time::Duration;
///
/// use crosscheck::reject::{
///     ActuatorOptions, NoEdges, Outputs, RejectError, RejectPlan, Sink, start_actuator,
/// };
///
/// struct Nothing;
///
/// impl Sink for Nothing {
///     fn drive(&mut self, _outputs: Outputs) -> Result<(), RejectError> {
///         Ok(())
///     }
///
///     fn heartbeat(&mut self, _active: bool) -> Result<(), RejectError> {
///         Ok(())
///     }
///
///     fn make_safe(&mut self) {}
/// }
///
/// let [delay, lead, pulse] = [200, 50, 40].map(Duration::from_millis);
/// let plan = RejectPlan::by_time(delay, lead, pulse);
/// let running = start_actuator(plan, ActuatorOptions::default(), Box::new(Nothing), Box::new(NoEdges))?;
/// assert!(running.actuator.is_running());
/// let report = running.actuator.stop()?;
/// assert_eq!(report.counters.triggered, 0);
/// # Ok::<(), RejectError>(())
/// ```
pub fn start(
    plan: RejectPlan,
    options: Options,
    sink: Box<dyn Sink>,
    edges: Box<dyn Edges>,
) -> Result<Running, RejectError> {
    let (handles, ends) = queues().map_err(RejectError::Wait)?;
    let bell = ends.bell.clone();
    let alarm = Alarm::new().map_err(RejectError::Wait)?;
    let tally = Arc::new(Tally::default());
    let now = monotonic_ns();
    let work = Box::new(Work {
        tally: tally.clone(),
        schedule: Schedule::new(plan, now),
        sink: SafeSink(sink),
        edges,
        found: Vec::new(),
        ends,
        alarm,
        outputs: None,
        heartbeat: Heartbeat { active: false, next: now, every_ns: options.heartbeat_ns },
        wake: None,
        late_ns_worst: 0,
        events_lost: 0,
    });
    let locked = options.lock_memory.then(lock_memory);
    if let Some(Err(error)) = &locked {
        log::warn!("memory is not locked, so the reject output may come late when memory is short: {error}");
    }
    let name = "actuator";
    let run = move || {
        if let Some(Err(error)) = options.priority.map(priority::real_time) {
            log::warn!(
                "the actuator runs without real-time priority, so the reject output may come late: {error} (LimitRTPRIO in the service, or ulimit -r)"
            );
        }
        if let Some(Err(error)) = locked.and_then(Result::ok).map(|()| lock_stack()) {
            log::warn!("the actuator's stack is not locked, so the reject output may come late: {error}");
        }
        work.run()
    };
    let thread = std::thread::Builder::new().name(name.into()).stack_size(STACK_BYTES).spawn(run);
    let thread = Some(thread.map_err(|source| RejectError::Spawn { name, source })?);
    Ok(Running { handles, tally, actuator: Actuator { bell, thread } })
}

/// Puts the outputs into their safe state when it is dropped, on a panic as well.
struct SafeSink(Box<dyn Sink>);

impl Drop for SafeSink {
    fn drop(&mut self) {
        self.0.make_safe();
    }
}

struct Heartbeat {
    active: bool,
    next: u64,
    every_ns: u64,
}

struct Work {
    tally: Arc<Tally>,
    schedule: Schedule,
    sink: SafeSink,
    edges: Box<dyn Edges>,
    found: Vec<Edge, EDGES_MAX>,
    ends: Ends,
    alarm: Alarm,
    /// The outputs as they are driven; none before the first time.
    outputs: Option<Outputs>,
    heartbeat: Heartbeat,
    /// When the schedule wanted to be woken.
    wake: Option<u64>,
    late_ns_worst: u64,
    events_lost: u64,
}

impl Work {
    fn run(mut self: Box<Self>) -> Result<ActuatorReport, RejectError> {
        while !self.ends.bell.is_stopped() {
            self.turn()?;
            self.wait()?;
        }
        Ok(ActuatorReport { counters: self.counters(), late_ns_worst: self.late_ns_worst })
    }

    /// The schedule's counters, with the events that found no room on their way to the station.
    fn counters(&self) -> Counters {
        let counters = *self.schedule.counters();
        Counters { events_lost: counters.events_lost + self.events_lost, ..counters }
    }

    /// Handles everything that has happened, and drives the outputs accordingly.
    fn turn(&mut self) -> Result<(), RejectError> {
        self.ends.bell.hear();
        let mut flooded = false;
        let found = &mut self.found;
        found.clear();
        self.edges.read(&mut |edge| flooded |= found.push(edge).is_err())?;
        // What came first counts first: a trigger belongs to the count before it.
        found.sort_unstable_by_key(|edge| edge.at);
        let now = monotonic_ns();
        let late = self.wake.map_or(0, |wake| now.saturating_sub(wake));
        self.late_ns_worst = self.late_ns_worst.max(late);
        for edge in &self.found {
            match edge.kind {
                EdgeKind::Trigger => drop(self.schedule.trigger(edge.at, now)),
                EdgeKind::Encoder { lost } => self.schedule.encoder_edge(edge.at, lost, now),
                EdgeKind::Confirm => self.schedule.confirm(),
                EdgeKind::Acknowledge => self.schedule.acknowledge(now),
            }
        }
        if flooded {
            self.schedule.raise(Fault::QueueOverflow, now);
        }
        self.obey(now);
        let outputs = self.schedule.poll(now);
        if self.outputs != Some(outputs) {
            self.sink.0.drive(outputs)?;
            self.outputs = Some(outputs);
        }
        if now >= self.heartbeat.next {
            self.heartbeat.active = !self.heartbeat.active;
            self.heartbeat.next = now + self.heartbeat.every_ns;
            self.sink.0.heartbeat(self.heartbeat.active)?;
        }
        self.tell();
        Ok(())
    }

    fn obey(&mut self, now: u64) {
        for queue in &mut self.ends.commands {
            while let Some(command) = queue.dequeue() {
                match command {
                    Command::Trigger { at_ns } => drop(self.schedule.trigger(at_ns, now)),
                    Command::Accept { part, recipe } => drop(self.schedule.accept(part, recipe, now)),
                    Command::Recipe(recipe) => self.schedule.change_recipe(recipe, now),
                    Command::Raise(fault) => self.schedule.raise(fault, now),
                    Command::Clear(fault) => self.schedule.clear(fault, now),
                    Command::Acknowledge => self.schedule.acknowledge(now),
                }
            }
        }
    }

    fn tell(&mut self) {
        let mut driven_at = None;
        while let Some(mut event) = self.schedule.next_event() {
            if let Event::Reject { at, late_ns, .. } = &mut event {
                // The output has its level when the call that sets it returns.
                *at = *driven_at.get_or_insert_with(monotonic_ns);
                *late_ns = self.wake.map_or(0, |wake| at.saturating_sub(wake));
            }
            self.events_lost += u64::from(self.ends.events.enqueue(event).is_err());
        }
        self.tally.publish(&self.counters(), self.schedule.faults());
    }

    /// Sleeps until the schedule or the heartbeat is due, or an edge or a command comes.
    fn wait(&mut self) -> Result<(), RejectError> {
        self.wake = self.schedule.wake();
        let next = self.wake.map_or(self.heartbeat.next, |wake| wake.min(self.heartbeat.next));
        self.alarm.set(next).map_err(RejectError::Wait)?;
        let mut files: Vec<PollFd<'_>, FILES_MAX> = Vec::new();
        let own = [(self.alarm.file(), PollFlags::IN), (self.ends.bell.file(), PollFlags::IN)];
        let reject = self.sink.0.file().map(|file| (file, PollFlags::empty()));
        let inputs = self.edges.files();
        let inputs = inputs.iter().map(|file: &BorrowedFd<'_>| (*file, PollFlags::IN));
        files.extend(
            own.into_iter().chain(reject).chain(inputs).map(|(file, flags)| PollFd::from_borrowed_fd(file, flags)),
        );
        match poll(&mut files, None) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(RejectError::Wait(error.into())),
        }
        let gone = PollFlags::ERR | PollFlags::HUP | PollFlags::NVAL;
        if files.iter().any(|file| file.revents().intersects(gone)) {
            let gone = io::Error::new(io::ErrorKind::NotConnected, "a GPIO line is gone: was its chip unplugged?");
            return Err(RejectError::Wait(gone));
        }
        Ok(())
    }
}
