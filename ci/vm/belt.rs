//! The belt: encoder pulses, parts that pass the photo-eye, and what the ejector did where each of them was.

use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::chip::{Chip, Line};

/// From the photo-eye to the ejector.
pub const DELAY_COUNTS: u64 = 600;
pub const DECISION_LEAD_COUNTS: u64 = 20;
pub const PULSE_MS: u64 = 300;
/// Below 50 counts a second: an emulated machine keeps up.
pub const COUNTS_PER_S_MAX: u64 = 100;
const COUNT_PERIOD: Duration = Duration::from_millis(20);
/// When it does not, the belt creeps: it never stands, which would be a fault.
const CREEP_PERIOD: Duration = Duration::from_millis(500);
/// A part covers the photo-eye for this long.
const PART_COUNTS: u64 = 4;
const LOOK_PERIOD: Duration = Duration::from_millis(1);
/// An edge comes this much after its count at most: the emulated machine is slow, and neighbours are ten times as far.
const LATE_COUNTS_MAX: u64 = 40;

/// A change of the reject output.
#[derive(Clone, Copy, Debug)]
pub struct Edge {
    pub count: u64,
    /// When it was seen, and the look before, which did not see it: it came between the two.
    pub at: Instant,
    pub not_before: Instant,
    pub rejects: bool,
}

struct Shared {
    chip: Chip,
    stopping: AtomicBool,
    creeping: AtomicBool,
    count: AtomicU64,
    /// The part in the photo-eye leaves it at this count.
    part_ends: AtomicU64,
    /// From the first look on.
    edges: Mutex<Vec<Edge>>,
}

/// Runs until it is dropped.
pub struct Belt {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

impl Belt {
    pub fn start(chip: Chip) -> Self {
        let shared = Arc::new(Shared {
            chip,
            stopping: AtomicBool::new(false),
            creeping: AtomicBool::new(false),
            count: AtomicU64::new(0),
            part_ends: AtomicU64::new(0),
            edges: Mutex::default(),
        });
        let spawn = |work: fn(&Shared)| {
            let shared = shared.clone();
            std::thread::spawn(move || work(&shared))
        };
        let threads = vec![spawn(turn), spawn(look)];
        Self { shared, threads }
    }

    pub fn count(&self) -> u64 {
        self.shared.count.load(Relaxed)
    }

    /// Moves on slowly, or at full speed again.
    pub fn creep(&self, creeping: bool) {
        self.shared.creeping.store(creeping, Relaxed);
    }

    pub fn level(&self, line: Line) -> Option<bool> {
        self.shared.chip.level(line)
    }

    /// Waits until the belt has moved by `counts`.
    pub fn advance(&self, counts: u64) {
        let end = self.count() + counts;
        while self.count() < end {
            std::thread::sleep(COUNT_PERIOD);
        }
    }

    /// A part passes the photo-eye; the count at which it did.
    pub fn part(&self) -> u64 {
        let count = self.count();
        self.shared.chip.drive(Line::Trigger, true);
        self.shared.part_ends.store(count + PART_COUNTS, Relaxed);
        self.advance(PART_COUNTS + 2);
        count
    }

    pub fn edges(&self) -> Vec<Edge> {
        self.shared.edges.lock().unwrap().clone()
    }

    /// Whether the output was at reject at some time while the part that was seen at `count` lay before the ejector.
    pub fn was_rejected(&self, count: u64) -> bool {
        let (from, to) = (count + DELAY_COUNTS - 1, count + DELAY_COUNTS + LATE_COUNTS_MAX);
        assert!(self.count() > to, "the part has not been there yet");
        let edges = self.edges();
        let before = edges.iter().rev().find(|edge| edge.count < from).is_none_or(|edge| edge.rejects);
        before || edges.iter().any(|edge| edge.rejects && (from..=to).contains(&edge.count))
    }

    /// Pulses that began since `count`, with how long they lasted at the least and at the most: an emulated machine
    /// does not look all the time.
    pub fn pulses_since(&self, count: u64) -> Vec<(u64, RangeInclusive<Duration>)> {
        let edges = self.edges();
        let pairs = edges.windows(2).filter(|pair| pair[0].rejects && pair[0].count >= count);
        let width = |up: &Edge, down: &Edge| {
            down.not_before.saturating_duration_since(up.at)..=down.at.saturating_duration_since(up.not_before)
        };
        pairs.map(|pair| (pair[0].count, width(&pair[0], &pair[1]))).collect()
    }

    /// Where a pulse for the part seen at `count` may begin.
    pub fn window(count: u64) -> std::ops::RangeInclusive<u64> {
        count + DELAY_COUNTS - 1..=count + DELAY_COUNTS + LATE_COUNTS_MAX
    }
}

impl Drop for Belt {
    fn drop(&mut self) {
        self.shared.stopping.store(true, Relaxed);
        self.threads.drain(..).for_each(|thread| drop(thread.join()));
    }
}

fn turn(shared: &Shared) {
    while !shared.stopping.load(Relaxed) {
        // The kernel notes an edge when its thread runs: a pulse that is over by then is lost.
        shared.chip.drive(Line::Encoder, true);
        std::thread::sleep(COUNT_PERIOD / 2);
        shared.chip.drive(Line::Encoder, false);
        if shared.count.fetch_add(1, Relaxed) + 1 == shared.part_ends.load(Relaxed) {
            shared.chip.drive(Line::Trigger, false);
        }
        std::thread::sleep(if shared.creeping.load(Relaxed) { CREEP_PERIOD } else { COUNT_PERIOD / 2 });
    }
}

/// Notes every change of the reject output, and answers a reject as the photo-eye of the reject bin does.
fn look(shared: &Shared) {
    let (mut last, mut not_before) = (None, Instant::now());
    while !shared.stopping.load(Relaxed) {
        let looked = Instant::now();
        // A low level rejects; so does a chip that is gone.
        let rejects = !shared.chip.level(Line::Reject).unwrap_or(false);
        if last != Some(rejects) {
            let edge = Edge { count: shared.count.load(Relaxed), at: Instant::now(), not_before, rejects };
            shared.edges.lock().unwrap().push(edge);
            shared.chip.drive(Line::Confirm, rejects);
            last = Some(rejects);
        }
        not_before = looked;
        std::thread::sleep(LOOK_PERIOD);
    }
}
