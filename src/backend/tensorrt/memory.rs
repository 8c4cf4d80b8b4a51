//! Memory of the library: a plan, or what was compiled of one.

use std::ffi::c_void;

use super::library::Library;

pub struct Memory {
    library: Library,
    memory: *mut c_void,
}

impl Memory {
    /// `memory` is what a function of the library's shim gave, not null, and belongs to nothing else.
    pub fn new(library: Library, memory: *mut c_void) -> Self {
        Self { library, memory }
    }

    pub fn bytes(&self) -> &[u8] {
        let shim = self.library.shim;
        // SAFETY: the library keeps the memory until it is deleted below.
        let (data, bytes) = unsafe { ((shim.plan_data)(self.memory), (shim.plan_bytes)(self.memory)) };
        // Nothing may have been compiled yet.
        if data.is_null() || bytes == 0 {
            return &[];
        }
        // SAFETY: the memory has this length, and nothing writes to it.
        unsafe { std::slice::from_raw_parts(data.cast(), bytes) }
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        // SAFETY: no other value has this memory.
        unsafe { (self.library.shim.plan_delete)(self.memory) };
    }
}
