//! The bytes of a pickle, which are never read past their end.

use super::step::Step;

#[derive(Default)]
pub(super) struct Input<'a> {
    bytes: &'a [u8],
    pub at: usize,
}

impl<'a> Input<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    pub fn left(&self) -> &'a [u8] {
        &self.bytes[self.at..]
    }

    pub fn take(&mut self, count: usize) -> Step<&'a [u8]> {
        let left = self.left();
        let taken = left.get(..count).ok_or_else(|| format!("expected {count} bytes, but {} are left", left.len()))?;
        self.at += count;
        Ok(taken)
    }

    pub fn array<const N: usize>(&mut self) -> Step<[u8; N]> {
        let mut bytes = [0; N];
        bytes.copy_from_slice(self.take(N)?);
        Ok(bytes)
    }

    pub fn byte(&mut self) -> Step<u8> {
        Ok(self.array::<1>()?[0])
    }

    /// The bytes whose count precedes them in `width` bytes.
    pub fn counted(&mut self, width: usize) -> Step<&'a [u8]> {
        let mut count = [0; 8];
        count[..width].copy_from_slice(self.take(width)?);
        let count = u64::from_le_bytes(count);
        self.take(usize::try_from(count).unwrap_or(usize::MAX))
    }

    pub fn line(&mut self) -> Step<&'a str> {
        let left = self.left();
        let length = left.iter().position(|b| *b == b'\n').ok_or("a name without an end")?;
        self.at += length + 1;
        std::str::from_utf8(&left[..length]).map_err(|_| "a name that is not UTF-8".into())
    }

    /// Reads the header of a protocol 4 frame, which only announces a number of bytes.
    pub fn frame(&mut self) -> Step<()> {
        let length = u64::from_le_bytes(self.array()?);
        if length <= self.left().len() as u64 {
            return Ok(());
        }
        Err(format!("a frame of {length} bytes, but {} are left", self.left().len()))
    }

    /// A little-endian two's complement number whose count of bytes stands in `width` bytes; `None` if it is wider than
    /// an i64.
    pub fn integer(&mut self, width: usize) -> Step<Option<i64>> {
        let bytes = self.counted(width)?;
        if bytes.len() > 8 {
            return Ok(None);
        }
        let fill = if bytes.last().is_some_and(|b| b & 0x80 != 0) { 0xFF } else { 0 };
        let mut wide = [fill; 8];
        wide[..bytes.len()].copy_from_slice(bytes);
        Ok(Some(i64::from_le_bytes(wide)))
    }
}
