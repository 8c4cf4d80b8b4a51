//! A station locks the pages that it uses, not all that it maps, and its actuator's stack is loaded. It is a program of its
//! own because the whole process is locked.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by a panic")]

#[path = "support/reject_plan.rs"]
mod reject_plan;

use std::os::fd::BorrowedFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crosscheck::reject::actuator::{Options, start};
use crosscheck::reject::part::Outputs;
use crosscheck::reject::{Edge, Edges, RejectError, Sink};
use reject_plan::REJECT_PLAN;
use rustix::mm::{MapFlags, ProtFlags, mmap_anonymous};

const MS: u64 = 1_000_000;
/// What a GPU's libraries map, and how much of it may be loaded.
const MAPPED_BYTES: usize = 512 << 20;
const LOADED_KB_MAX: usize = 64 << 10;
/// The actuator's stack, with what the C library keeps beside it.
const STACK_KB: std::ops::RangeInclusive<usize> = 1000..=1100;

/// Notes that the actuator is at work.
struct Noted(Arc<AtomicBool>);

impl Sink for Noted {
    fn drive(&mut self, _: Outputs) -> Result<(), RejectError> {
        self.0.store(true, Ordering::SeqCst);
        Ok(())
    }

    fn heartbeat(&mut self, _: bool) -> Result<(), RejectError> {
        Ok(())
    }

    fn make_safe(&mut self) {}
}

struct NoEdges;

impl Edges for NoEdges {
    fn files(&self) -> heapless::Vec<BorrowedFd<'_>, { crosscheck::reject::INPUTS_MAX }> {
        heapless::Vec::new()
    }

    fn read(&mut self, _: &mut dyn FnMut(Edge)) -> Result<(), RejectError> {
        Ok(())
    }
}

/// A number of kilobytes in a file of /proc/self, after its name.
fn kilobytes(text: &str, name: &str) -> Option<usize> {
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    line.trim().strip_suffix(" kB")?.parse().ok()
}

fn status(name: &str) -> usize {
    kilobytes(&std::fs::read_to_string("/proc/self/status").unwrap(), name).unwrap()
}

/// Size, loaded and locked kilobytes of each mapping.
fn mappings() -> Vec<[usize; 3]> {
    let text = std::fs::read_to_string("/proc/self/smaps").unwrap();
    let of = |mapping: &str| ["Size", "Rss", "Locked"].map(|name| kilobytes(mapping, name).unwrap());
    text.split_inclusive("VmFlags:").filter(|mapping| kilobytes(mapping, "Size").is_some()).map(of).collect()
}

#[test]
fn a_large_mapping_is_not_loaded_but_the_actuators_stack_is() {
    let options = Options { priority: None, lock_memory: true, heartbeat_ns: 5 * MS };
    let at_work = Arc::new(AtomicBool::new(false));
    let running = start(REJECT_PLAN, options, Box::new(Noted(at_work.clone())), Box::new(NoEdges)).unwrap();
    if status("VmLck") == 0 {
        println!("not run: this process may not lock its memory");
        return;
    }
    while !at_work.load(Ordering::SeqCst) {
        std::thread::sleep(Duration::from_millis(1));
    }
    let before = status("VmRSS");
    // SAFETY: a mapping of its own, which nothing uses.
    let mapped = unsafe {
        mmap_anonymous(std::ptr::null_mut(), MAPPED_BYTES, ProtFlags::READ | ProtFlags::WRITE, MapFlags::PRIVATE)
    };
    mapped.unwrap();
    let loaded = status("VmRSS").saturating_sub(before);
    assert!(loaded < LOADED_KB_MAX, "{loaded} kB of a mapping were loaded that nothing uses");
    let stacks = mappings().into_iter().filter(|[size, ..]| STACK_KB.contains(size)).collect::<Vec<_>>();
    assert!(stacks.iter().any(|[size, loaded, locked]| loaded == size && locked == size), "{stacks:?}");
    running.actuator.stop().unwrap();
}
