//! Counts allocations and notes the largest: the size that a hostile file claims must not be allocated, and a warm station
//! must allocate nothing. A program that includes this module gets its allocator.
#![allow(dead_code, reason = "each test program uses some of it")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

thread_local! {
    /// Bytes of the largest piece of memory that this thread asked for.
    static LARGEST: Cell<usize> = const { Cell::new(0) };
    static COUNT: Cell<u64> = const { Cell::new(0) };
    static IS_FREE: Cell<Option<bool>> = const { Cell::new(None) };
}

/// Allocations of all threads but two: the test runner's own, the first of the process, which reports after a minute that
/// the test is still running; and those that write a station's trace and the parts of its lessons.
static TOTAL: AtomicU64 = AtomicU64::new(0);

struct Watched;

// SAFETY: every call is the system allocator's own; the notes beside it allocate nothing.
unsafe impl GlobalAlloc for Watched {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        note(layout.size());
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        note(layout.size());
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        note(size);
        unsafe { System.realloc(pointer, layout, size) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        unsafe { System.dealloc(pointer, layout) }
    }
}

fn note(size: usize) {
    LARGEST.set(LARGEST.get().max(size));
    COUNT.set(COUNT.get() + 1);
    let is_free = IS_FREE.get().unwrap_or_else(|| {
        // SAFETY: both calls only return numbers.
        let is_free = unsafe { libc::gettid() == libc::getpid() } || writes();
        IS_FREE.set(Some(is_free));
        is_free
    });
    TOTAL.fetch_add(u64::from(!is_free), Relaxed);
}

fn writes() -> bool {
    let mut name = [0u8; 16];
    // SAFETY: a thread's name has 16 bytes at most, its end included.
    unsafe { libc::prctl(libc::PR_GET_NAME, name.as_mut_ptr()) };
    name.starts_with(b"trace\0") || name.starts_with(b"collecting\0")
}

#[global_allocator]
static ALLOCATOR: Watched = Watched;

/// The result of `work`, and the largest piece of memory that it asked for in this thread, bytes.
pub fn watched<T>(work: impl FnOnce() -> T) -> (T, usize) {
    LARGEST.set(0);
    let result = work();
    (result, LARGEST.get())
}

/// Allocations of the calling thread since its start.
pub fn in_thread() -> u64 {
    COUNT.get()
}

/// Allocations of the process since its start.
pub fn in_process() -> u64 {
    TOTAL.load(Relaxed)
}
