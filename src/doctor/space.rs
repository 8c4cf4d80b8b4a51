//! Whether a folder can be written, and how much room there is.

use std::path::Path;

use super::finding::Finding;

/// Free space below which the system itself may fail.
const FREE_BYTES_MIN: u64 = 256 << 20;

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

/// Fails with the finding `name` where the file at `path` cannot be written.
pub fn owned(path: &Path, name: &str) -> Result<(), Box<Finding>> {
    std::fs::File::options().append(true).open(path).map(drop).map_err(|error| {
        let fix = format!("make the station's user the owner of the file: chown crosscheck {}", path.display());
        Finding::error(name, format!("{} cannot be written: {error}", path.display()), fix).into()
    })
}

/// Whether there is room for so many bytes more in a folder. `wants`: what takes them, by `key` of the configuration.
pub fn room(there: &Path, bytes: u64, name: &str, wants: &str, key: &str) -> Finding {
    match free_bytes(there) {
        Err(error) => Finding::warning(name, format!("{}: {error}", there.display()), "check the file system"),
        Ok(free) if free < bytes + FREE_BYTES_MIN => {
            let found = format!("{} MB are free at {}, but {wants}", free >> 20, there.display());
            Finding::warning(name, found, format!("free some space, or lower {key}"))
        }
        Ok(free) => Finding::ok(name, format!("{} MB are free at {}", free >> 20, there.display())),
    }
}

fn free_bytes(folder: &Path) -> std::io::Result<u64> {
    let found = rustix::fs::statvfs(folder)?;
    Ok(found.f_bavail.saturating_mul(found.f_frsize))
}
