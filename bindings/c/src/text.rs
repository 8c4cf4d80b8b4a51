//! Texts of errors: written without allocating, and copied into the caller's buffer.

use std::ffi::c_char;
use std::fmt::{self, Write};

/// Bytes that hold every text of an error with its zero at the end. Longer texts are cut.
pub const CROSSCHECK_TEXT_SIZE: usize = 1024;

/// A text of at most `CROSSCHECK_TEXT_SIZE - 1` bytes; what is longer is cut between two characters.
pub struct Text {
    bytes: [u8; CROSSCHECK_TEXT_SIZE],
    length: usize,
}

impl Default for Text {
    fn default() -> Self {
        Self { bytes: [0; CROSSCHECK_TEXT_SIZE], length: 0 }
    }
}

impl Text {
    /// Becomes the text of `what`.
    pub fn set(&mut self, what: impl fmt::Display) {
        self.clear();
        // An error of the writer says that the text was cut.
        let _ = write!(self, "{what}");
    }

    /// Becomes empty.
    pub fn clear(&mut self) {
        self.length = 0;
    }

    /// The text.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }
}

impl Write for Text {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let free = CROSSCHECK_TEXT_SIZE - 1 - self.length;
        let taken = &text.as_bytes()[..text.floor_char_boundary(free)];
        self.bytes[self.length..][..taken.len()].copy_from_slice(taken);
        self.length += taken.len();
        if taken.len() == text.len() { Ok(()) } else { Err(fmt::Error) }
    }
}

/// The caller's memory for a text; it may be none.
#[derive(Clone, Copy)]
pub struct TextBuffer {
    start: *mut c_char,
    size: usize,
}

impl TextBuffer {
    /// # Safety
    /// `start` is null, or `size` bytes from there on may be written while the buffer is in use.
    pub unsafe fn new(start: *mut c_char, size: usize) -> Self {
        Self { start, size: if start.is_null() { 0 } else { size } }
    }

    /// Writes a text and a zero behind it; what does not fit is cut between two characters.
    pub fn put(self, text: &[u8]) {
        let Some(free) = self.size.checked_sub(1) else { return };
        let is_within = |end: &usize| text.get(*end).is_some_and(|byte| byte & 0xC0 == 0x80);
        let end = (0..=free.min(text.len())).rev().find(|end| !is_within(end)).unwrap_or(0);
        // SAFETY: `end` bytes and a zero are at most `size`, which the maker of the buffer has promised.
        unsafe {
            self.start.copy_from_nonoverlapping(text.as_ptr().cast(), end);
            self.start.add(end).write(0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a buffer of `size` bytes holds of a text, up to its zero.
    fn put(text: &str, size: usize) -> Vec<u8> {
        let mut memory = vec![b'#'; size + 1];
        // SAFETY: the memory has more than `size` bytes.
        unsafe { TextBuffer::new(memory.as_mut_ptr().cast(), size) }.put(text.as_bytes());
        assert_eq!(memory[size], b'#', "a byte beyond the buffer was written");
        memory.into_iter().take_while(|byte| *byte != 0).collect()
    }

    #[test]
    fn what_does_not_fit_is_cut_between_characters() {
        assert_eq!(put("a\u{e4}b", 5), "a\u{e4}b".as_bytes());
        assert_eq!(put("a\u{e4}b", 4), "a\u{e4}".as_bytes());
        assert_eq!(put("a\u{e4}b", 3), b"a");
        assert_eq!(put("\u{1f527}", 4), b"");
        assert_eq!(put("abc", 1), b"");
        assert_eq!(put("abc", 0), b"#");
        // SAFETY: there is no memory.
        unsafe { TextBuffer::new(std::ptr::null_mut(), 100) }.put(b"abc");
    }

    #[test]
    fn a_long_text_is_cut_to_what_a_buffer_holds() {
        let mut text = Text::default();
        text.set("\u{e4}".repeat(CROSSCHECK_TEXT_SIZE));
        assert_eq!(text.bytes(), "\u{e4}".repeat((CROSSCHECK_TEXT_SIZE - 1) / 2).as_bytes());
        text.set("short");
        assert_eq!(text.bytes(), b"short");
    }
}
