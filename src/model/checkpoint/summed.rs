//! Stretches of a file whose CRC-32 is stored in it, as a ZIP file has it of its entries.

use super::error::CheckpointError;
use super::source::Source;

/// An entry's data.
#[derive(Clone, Debug)]
pub(super) struct Summed {
    pub name: String,
    /// Byte of the file at which it begins.
    pub start: u64,
    pub size: u64,
    pub crc32: u32,
}

impl Summed {
    /// Reads all of it, a megabyte at a time; another CRC-32 than the stored one is an error.
    pub fn check(&self, source: &Source) -> Result<(), CheckpointError> {
        let mut sum = crc32fast::Hasher::new();
        source.stream(self.start, self.size, |bytes| sum.update(bytes))?;
        let (found, expected) = (sum.finalize(), self.crc32);
        if found == expected {
            return Ok(());
        }
        if expected == 0 {
            // PyTorch stores 0 where it was told to calculate none (torch.serialization.set_crc32_options).
            log::warn!(
                "{}: {:?} was saved without a checksum, so that damage to it is not noticed",
                source.path.display(),
                self.name
            );
            return Ok(());
        }
        Err(source.damaged(format!(
            "the data of {:?} has the CRC-32 {found:08x} where {expected:08x} is expected",
            self.name
        )))
    }
}
