//! Whether a folder can be written, and how much room there is.

use std::path::Path;

use super::finding::Finding;

/// Free space below which the system itself may fail.
pub const FREE_BYTES_MIN: u64 = 256 << 20;

/// The folder, or the nearest one above it that exists, since the station makes the rest. Fails with the finding `name` where
/// it cannot be written; `key` has named it.
pub fn writable<'a>(folder: &'a Path, key: &str, name: &str) -> Result<&'a Path, Box<Finding>> {
    let Some(there) = folder.ancestors().find(|path| path.is_dir()) else {
        let found = format!("neither {} nor a folder above it exists", folder.display());
        return Err(Finding::error(name, found, format!("correct {key}")).into());
    };
    match tempfile::tempfile_in(there) {
        Ok(_) => Ok(there),
        Err(error) => {
            let fix = format!("make the station's user the owner of the folder: chown crosscheck {}", there.display());
            Err(Finding::error(name, format!("{} cannot be written: {error}", there.display()), fix).into())
        }
    }
}

pub fn free_bytes(folder: &Path) -> std::io::Result<u64> {
    let found = rustix::fs::statvfs(folder)?;
    Ok(found.f_bavail.saturating_mul(found.f_frsize))
}
