//! The directory of a ZIP file (APPNOTE 4.3, ZIP64 included): where its entries lie, and their CRC-32. Only entries
//! that are stored without compression are read, and the directory's size is checked before it is read.

use std::collections::BTreeMap;

use super::error::CheckpointError;
use super::source::Source;
use super::summed::Summed;

const ENTRIES_MAX: u64 = 1 << 16;
const DIRECTORY_BYTES_MAX: u64 = 1 << 24;
const END_BYTES: usize = 22;
const COMMENT_BYTES_MAX: u64 = 0xFFFF;
const STORED: u16 = 0;

pub(super) struct Archive<'a> {
    source: &'a Source,
    entries: BTreeMap<String, Entry>,
}

struct Entry {
    stored: bool,
    size: u64,
    header_at: u64,
    crc32: u32,
}

/// A record of the ZIP file, with little-endian fields at fixed offsets.
struct Record<'a>(&'a [u8]);

impl<'a> Record<'a> {
    fn bytes<const N: usize>(&self, at: usize) -> Option<[u8; N]> {
        self.0.get(at..)?.first_chunk().copied()
    }

    fn u16(&self, at: usize) -> Option<u16> {
        self.bytes(at).map(u16::from_le_bytes)
    }

    fn u32(&self, at: usize) -> Option<u32> {
        self.bytes(at).map(u32::from_le_bytes)
    }

    fn u64(&self, at: usize) -> Option<u64> {
        self.bytes(at).map(u64::from_le_bytes)
    }

    fn tail(&self, at: usize, len: u16) -> Option<&'a [u8]> {
        self.0.get(at..)?.get(..usize::from(len))
    }
}

struct Directory {
    at: u64,
    size: u64,
    entries: u64,
}

impl<'a> Archive<'a> {
    pub fn open(source: &'a Source) -> Result<Self, CheckpointError> {
        let directory = Directory::find(source)?;
        if directory.entries > ENTRIES_MAX || directory.size > DIRECTORY_BYTES_MAX {
            let Directory { entries, size, .. } = directory;
            return Err(source.damaged(format!(
                "its directory has {entries} entries in {size} bytes, above the limits of {ENTRIES_MAX} and {DIRECTORY_BYTES_MAX}"
            )));
        }
        let bytes = source.read(directory.at, directory.size)?;
        let (mut entries, mut rest) = (BTreeMap::new(), bytes.as_slice());
        for number in 0..directory.entries {
            let cut = || source.damaged(format!("entry {number} of its directory is cut short or overwritten"));
            let (name, entry, length) = entry(rest).ok_or_else(cut)?;
            rest = &rest[length..];
            if entries.insert(name.to_owned(), entry).is_some() {
                return Err(source.damaged(format!("two entries are called {name:?}")));
            }
        }
        Ok(Self { source, entries })
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.entries.keys().map(String::as_str)
    }

    /// Where an entry's data lies; `None` if there is no such entry. A compressed entry is an error.
    pub fn locate(&self, name: &str) -> Result<Option<Summed>, CheckpointError> {
        let Some(entry) = self.entries.get(name) else { return Ok(None) };
        if !entry.stored {
            return Err(self
                .source
                .damaged(format!("{name:?} is compressed or encrypted; torch.save stores it plainly")));
        }
        let header = self.source.read(entry.header_at, 30)?;
        let header = Record(&header);
        let lengths = header.u16(26).zip(header.u16(28)).filter(|_| header.0.starts_with(b"PK\x03\x04"));
        let (name_bytes, extra_bytes) =
            lengths.ok_or_else(|| self.source.damaged(format!("no local header where {name:?} should begin")))?;
        if self.source.read(entry.header_at + 30, name_bytes.into())? != name.as_bytes() {
            return Err(self.source.damaged(format!("the local header of {name:?} has another name")));
        }
        let start = entry.header_at + 30 + u64::from(name_bytes) + u64::from(extra_bytes);
        if start.checked_add(entry.size).is_none_or(|end| end > self.source.len) {
            return Err(self.source.damaged(format!("{name:?} reaches beyond the end of the file")));
        }
        Ok(Some(Summed { name: name.into(), start, size: entry.size, crc32: entry.crc32 }))
    }

    /// Checks the CRC-32 of every stored entry, except of those whose names begin with `later`.
    pub fn check_all_but(&self, later: &str) -> Result<(), CheckpointError> {
        let now = || self.entries.iter().filter(|(name, entry)| entry.stored && !name.starts_with(later));
        // Entries that share bytes would make a small file cost the reading of a large one.
        let bytes = now().try_fold(0u64, |sum, (_, entry)| sum.checked_add(entry.size));
        if bytes.is_none_or(|bytes| bytes > self.source.len) {
            return Err(self.source.damaged("its entries overlap"));
        }
        for (name, _) in now() {
            if let Some(summed) = self.locate(name)? {
                summed.check(self.source)?;
            }
        }
        Ok(())
    }
}

impl Directory {
    fn find(source: &Source) -> Result<Self, CheckpointError> {
        let tail_bytes = source.len.min(END_BYTES as u64 + COMMENT_BYTES_MAX);
        let tail_at = source.len - tail_bytes;
        let tail = source.read(tail_at, tail_bytes)?;
        let is_end = |at: &usize| {
            let end = Record(&tail[*at..]);
            end.0.starts_with(b"PK\x05\x06") && end.u16(20).is_some_and(|n| end.0.len() == END_BYTES + usize::from(n))
        };
        let at = (0..tail.len()).rev().find(is_end);
        let at = at.ok_or_else(|| source.damaged("the ZIP directory at its end is missing, so it was cut short"))?;
        let end = Record(&tail[at..]);
        let directory =
            (|| Some(Self { at: end.u32(16)?.into(), size: end.u32(12)?.into(), entries: end.u16(10)?.into() }))();
        let directory = directory.ok_or_else(|| source.damaged("its ZIP directory is cut short"))?;
        let full = u64::from(u32::MAX);
        if directory.at == full || directory.size == full || directory.entries == u64::from(u16::MAX) {
            return Self::find_zip64(source, tail_at + at as u64);
        }
        Ok(directory)
    }

    fn find_zip64(source: &Source, end_at: u64) -> Result<Self, CheckpointError> {
        let missing = || source.damaged("its ZIP64 directory is missing");
        let locator = source.read(end_at.checked_sub(20).ok_or_else(missing)?, 20)?;
        let at = Record(&locator).u64(8).filter(|_| locator.starts_with(b"PK\x06\x07")).ok_or_else(missing)?;
        let end = source.read(at, 56)?;
        let record = Record(&end);
        let found = || Some(Self { at: record.u64(48)?, size: record.u64(40)?, entries: record.u64(32)? });
        found().filter(|_| end.starts_with(b"PK\x06\x06")).ok_or_else(missing)
    }
}

/// Name, entry and length of the directory record that `bytes` begins with.
fn entry(bytes: &[u8]) -> Option<(&str, Entry, usize)> {
    let record = Record(bytes);
    let (name_bytes, extra_bytes, comment_bytes) = (record.u16(28)?, record.u16(30)?, record.u16(32)?);
    if !bytes.starts_with(b"PK\x01\x02") {
        return None;
    }
    let name = std::str::from_utf8(record.tail(46, name_bytes)?).ok()?;
    let extra_at = 46 + usize::from(name_bytes);
    let mut wide = zip64_fields(record.tail(extra_at, extra_bytes)?);
    // A field with all bits set has its value in the ZIP64 extra field instead, in this order.
    let mut field = |narrow: u32| if narrow == u32::MAX { wide.next() } else { Some(u64::from(narrow)) };
    let size = field(record.u32(24)?)?;
    let packed = field(record.u32(20)?)?;
    let header_at = field(record.u32(42)?)?;
    let encrypted = record.u16(8)? & 1 != 0;
    let stored = record.u16(10)? == STORED && !encrypted && packed == size;
    let length = extra_at + usize::from(extra_bytes) + usize::from(comment_bytes);
    bytes.get(..length)?;
    let crc32 = record.u32(16)?;
    // No file is longer than i64::MAX; sums with small numbers cannot overflow after this.
    (size.max(header_at) <= i64::MAX as u64).then_some((name, Entry { stored, size, header_at, crc32 }, length))
}

/// The 64-bit numbers of the ZIP64 extra field; none if there is no such field.
fn zip64_fields(mut extra: &[u8]) -> impl Iterator<Item = u64> {
    let mut fields: &[u8] = &[];
    while let Some((id, length)) = Record(extra).u16(0).zip(Record(extra).u16(2)) {
        let Some(body) = Record(extra).tail(4, length) else { break };
        if id == 1 {
            fields = body;
        }
        extra = &extra[4 + usize::from(length)..];
    }
    fields.as_chunks::<8>().0.iter().map(|bytes| u64::from_le_bytes(*bytes))
}
