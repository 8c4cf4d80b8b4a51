//! Notes how much memory is asked for at once: what a hostile file claims must not be taken.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

thread_local! {
    static LARGEST: Cell<usize> = const { Cell::new(0) };
}

/// Notes the largest piece of memory that each thread asks for.
struct Watched;

// SAFETY: every call is the system allocator's own; the note beside it allocates nothing.
unsafe impl GlobalAlloc for Watched {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        note(layout);
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        note(layout);
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        unsafe { System.dealloc(pointer, layout) }
    }
}

fn note(layout: Layout) {
    LARGEST.set(LARGEST.get().max(layout.size()));
}

#[global_allocator]
static ALLOCATOR: Watched = Watched;

/// What `work` gives, and the largest piece of memory it asked for in this thread, bytes.
pub fn watched<T>(work: impl FnOnce() -> T) -> (T, usize) {
    LARGEST.set(0);
    let result = work();
    (result, LARGEST.get())
}
