//! The line in memory: the real schedule on the real clock, and what became of every part.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use crosscheck::clock::monotonic_ns;
use crosscheck::reject::fault::Fault;
use crosscheck::reject::part::{Event, Outcome};
use crosscheck::reject::schedule::Schedule;
use crosscheck::reject::settings::{Delay, Settings};
use crosscheck::runtime::line::{Command, Commands, Events, LineHandles};

const COMMANDS_MAX: usize = 256;
const EVENTS_MAX: usize = 1024;
const POLL: Duration = Duration::from_micros(500);

/// What the threads put in and take out.
struct Mail {
    commands: VecDeque<Command>,
    events: VecDeque<Event>,
    /// Edges of the photo-eye.
    edges: VecDeque<u64>,
}

/// What was seen at the ejector.
#[derive(Default)]
pub struct Seen {
    pub outcomes: BTreeMap<u64, Outcome>,
    pub triggered: u64,
    /// Times that each fault came and went, in order.
    pub faults: Vec<(Fault, bool)>,
    /// Whether the output is at reject.
    pub at_reject: bool,
}

pub struct MemoryLine {
    mail: Arc<Mutex<Mail>>,
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Seen>,
}

/// Announces parts from outside.
#[derive(Clone)]
pub struct PhotoEye(Arc<Mutex<Mail>>);

impl PhotoEye {
    pub fn edge(&self, at_ns: u64) {
        self.0.lock().unwrap().edges.push_back(at_ns);
    }
}

struct Handle(Arc<Mutex<Mail>>);

impl Commands for Handle {
    fn send(&mut self, command: Command) -> bool {
        let mut mail = self.0.lock().unwrap();
        let fits = mail.commands.len() < COMMANDS_MAX;
        if fits {
            mail.commands.push_back(command);
        }
        fits
    }
}

impl Events for Handle {
    fn next(&mut self) -> Option<Event> {
        self.0.lock().unwrap().events.pop_front()
    }
}

/// Time from trigger to ejector, of which the last 20 ms are too late for an accept.
pub fn settings(delay_ms: u64) -> Settings {
    Settings {
        delay: Delay::Time { delay_ns: delay_ms * 1_000_000, lead_ns: 20_000_000 },
        pulse_ns: 1_000_000,
        gap_ns: 0,
        merge: true,
        age_ns_max: 600_000_000_000,
        // A busy machine is no fault here.
        late_ns_max: 60_000_000_000,
        debounce_ns: 0,
        confirm_ns_max: None,
        belt: None,
        pitch_counts: None,
    }
}

impl MemoryLine {
    pub fn start(settings: Settings) -> Self {
        let mail = Mail {
            commands: VecDeque::with_capacity(COMMANDS_MAX),
            events: VecDeque::with_capacity(EVENTS_MAX),
            edges: VecDeque::with_capacity(COMMANDS_MAX),
        };
        let (mail, stop) = (Arc::new(Mutex::new(mail)), Arc::new(AtomicBool::new(false)));
        let thread = {
            let (mail, stop) = (mail.clone(), stop.clone());
            std::thread::spawn(move || drive(settings, &mail, &stop))
        };
        Self { mail, stop, thread }
    }

    pub fn handles(&self) -> LineHandles {
        let handle = || Box::new(Handle(self.mail.clone()));
        LineHandles { capture: handle(), inspection: handle(), station: handle(), events: handle() }
    }

    pub fn photo_eye(&self) -> PhotoEye {
        PhotoEye(self.mail.clone())
    }

    /// Ends the line and tells what was seen.
    pub fn finish(self) -> Seen {
        self.stop.store(true, Relaxed);
        self.thread.join().unwrap()
    }
}

fn drive(settings: Settings, mail: &Mutex<Mail>, stop: &AtomicBool) -> Seen {
    let mut schedule = Schedule::new(settings, monotonic_ns());
    let mut seen = Seen::default();
    while !stop.load(Relaxed) {
        let mut mail = mail.lock().unwrap();
        while let Some(at_ns) = mail.edges.pop_front() {
            schedule.trigger(at_ns, monotonic_ns());
        }
        while let Some(command) = mail.commands.pop_front() {
            match command {
                Command::Trigger { at_ns } => drop(schedule.trigger(at_ns, monotonic_ns())),
                Command::Accept(part) => drop(schedule.accept(part, monotonic_ns())),
                Command::Raise(fault) => schedule.raise(fault),
                Command::Clear(fault) => schedule.clear(fault),
                Command::Acknowledge => schedule.acknowledge(),
            }
        }
        seen.at_reject = schedule.poll(monotonic_ns()).reject;
        while let Some(event) = schedule.next_event() {
            match event {
                Event::Triggered { .. } => seen.triggered += 1,
                Event::Settled { part, outcome, .. } => drop(seen.outcomes.insert(part.0, outcome)),
                Event::Fault { fault, active, .. } => seen.faults.push((fault, active)),
                Event::LateVerdict { .. } | Event::Reject { .. } => {}
            }
            if mail.events.len() < EVENTS_MAX {
                mail.events.push_back(event);
            }
        }
        drop(mail);
        std::thread::sleep(POLL);
    }
    seen
}
