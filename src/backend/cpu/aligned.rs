//! Buffers of f32 that start on a cache line.

use std::ops::{Deref, DerefMut};

#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Line([f32; 16]);

/// A growing buffer. After it has grown, its values are unspecified numbers.
#[derive(Default)]
pub struct Aligned {
    lines: Vec<Line>,
    length: usize,
}

impl Aligned {
    pub fn zeros(length: usize) -> Self {
        let mut buffer = Self::default();
        buffer.resize(length);
        buffer
    }

    /// Sets the length. Allocates only if the buffer was never this long.
    pub fn resize(&mut self, length: usize) {
        let lines = length.div_ceil(16);
        if lines > self.lines.len() {
            self.lines.reserve_exact(lines - self.lines.len());
            self.lines.resize(lines, Line([0.0; 16]));
        }
        self.length = length;
    }

    /// Makes room for as much as `other` ever held.
    pub fn grow_like(&mut self, other: &Self) {
        let length = self.length;
        self.resize(length.max(16 * other.lines.len()));
        self.length = length;
    }
}

/// [`Aligned::grow_like`] for a `Vec`. The capacity becomes exactly that of `other`: two buffers that make more room
/// than each other by turns would take all memory.
pub fn grow_like<T>(buffer: &mut Vec<T>, other: &Vec<T>) {
    buffer.reserve_exact(other.capacity().saturating_sub(buffer.len()));
}

impl Deref for Aligned {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        // SAFETY: a line is sixteen f32 without padding, and the lines hold at least `length` values.
        unsafe { std::slice::from_raw_parts(self.lines.as_ptr().cast(), self.length) }
    }
}

impl DerefMut for Aligned {
    fn deref_mut(&mut self) -> &mut [f32] {
        // SAFETY: as above, and the lines are borrowed mutably.
        unsafe { std::slice::from_raw_parts_mut(self.lines.as_mut_ptr().cast(), self.length) }
    }
}

/// A row stride of at least `columns` at which rows do not fall on the same sets of the first-level cache.
pub fn row_stride(columns: usize) -> usize {
    if columns.is_multiple_of(256) { columns + 16 } else { columns }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_level_out() {
        for (first, second) in [(42, 45), (45, 42), (0, 7), (100, 1)] {
            let (mut a, mut b) = (vec![0.0f32; first], vec![0.0f32; second]);
            let (mut c, mut d) = (Aligned::zeros(16 * first), Aligned::zeros(16 * second));
            for _ in 0..40 {
                grow_like(&mut a, &b);
                grow_like(&mut b, &a);
                c.grow_like(&d);
                d.grow_like(&c);
            }
            let largest = first.max(second);
            assert_eq!((a.capacity(), b.capacity()), (largest, largest));
            assert_eq!((c.lines.len(), d.lines.len()), (largest, largest));
            assert_eq!((a.len(), c.len()), (first, 16 * first));
        }
    }
}
