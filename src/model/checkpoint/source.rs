//! A file that is read by position, so that only the tensors asked for are ever in memory.

use std::cell::RefCell;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::error::CheckpointError;

const CHUNK: u64 = 1 << 20;

pub(super) struct Source {
    pub path: PathBuf,
    file: RefCell<File>,
    pub len: u64,
}

impl Source {
    pub fn open(path: &Path) -> Result<Self, CheckpointError> {
        let failed = |source| CheckpointError::Open { path: path.into(), source };
        let file = File::open(path).map_err(failed)?;
        let len = file.metadata().map_err(failed)?.len();
        Ok(Self { path: path.into(), file: RefCell::new(file), len })
    }

    /// Reads `len` bytes from `offset`. A range beyond the end of the file is an error before memory is allocated for
    /// it.
    pub fn read(&self, offset: u64, len: u64) -> Result<Vec<u8>, CheckpointError> {
        let end = offset.checked_add(len).filter(|end| *end <= self.len);
        let (Some(_), Ok(count)) = (end, usize::try_from(len)) else {
            let whole = self.len;
            return Err(self.damaged(format!("expected {len} bytes at byte {offset}, but the file has {whole}")));
        };
        let mut bytes = vec![0; count];
        self.read_into(offset, &mut bytes)?;
        Ok(bytes)
    }

    fn read_into(&self, offset: u64, bytes: &mut [u8]) -> Result<(), CheckpointError> {
        let mut file = self.file.borrow_mut();
        file.seek(SeekFrom::Start(offset))
            .and_then(|_| file.read_exact(bytes))
            .map_err(|source| CheckpointError::Read { path: self.path.clone(), source })
    }

    /// Calls `each` with the bytes of `offset..offset + len`, a megabyte at a time.
    pub fn stream(&self, offset: u64, len: u64, mut each: impl FnMut(&[u8])) -> Result<(), CheckpointError> {
        let mut done = 0;
        while done < len {
            let chunk = self.read(offset + done, CHUNK.min(len - done))?;
            each(&chunk);
            done += chunk.len() as u64;
        }
        Ok(())
    }

    /// SHA-256 of the whole file, in hexadecimal.
    pub fn sha256(&self) -> Result<String, CheckpointError> {
        let mut hash = Sha256::new();
        self.stream(0, self.len, |bytes| hash.update(bytes))?;
        Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
    }

    pub fn damaged(&self, reason: impl ToString) -> CheckpointError {
        CheckpointError::Damaged { path: self.path.clone(), reason: reason.to_string() }
    }
}
