//! Temporary files that are to get their names, and those that were left by a writer that was ended.

use std::fs::{self, DirEntry, File};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::folder::folder_of;
use super::step::step;

/// Stands between a target's name and the letters drawn at random.
const INFIX: &str = ".tmp";
/// Letters and digits drawn at random.
const DRAWN: usize = 6;
/// Bytes of a target's name that the name of its temporary begins with; a file's name has at most 255.
const NAME_BYTES_MAX: usize = 200;

/// A new file beside its target. It is removed unless it is renamed.
pub struct Temporary {
    /// Holds the lock.
    file: File,
    path: PathBuf,
    there: bool,
    /// A write that failed. Some encoders write their last bytes when they are dropped and tell nobody.
    failed: Option<io::Error>,
}

impl Temporary {
    /// Makes the file, and locks it.
    pub fn beside(target: &Path) -> io::Result<Self> {
        loop {
            step()?;
            let path = temporary_path(target);
            let mut options = File::options();
            options.read(true).write(true).create_new(true);
            #[cfg(unix)]
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o644);
            let file = match options.open(&path) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
                file => file?,
            };
            // On a file system without locks no file is ever taken for abandoned.
            let locked = file.lock().is_ok();
            let temporary = Self { file, path, there: true, failed: None };
            // Before it was locked another program may have taken it for abandoned and removed it.
            if !locked || temporary.path.exists() {
                return Ok(temporary);
            }
        }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Sets who may read and write the file: its mode, and its owner and group where they are to be others'.
    pub fn permit(&self, mode: u32, owner: Option<(u32, u32)>) -> io::Result<()> {
        step()?;
        if let Some((user, group)) = owner {
            std::os::unix::fs::fchown(&self.file, Some(user), Some(group))?;
        }
        self.file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(mode))
    }

    /// Makes what was written durable; fails where any write did.
    pub fn sync(&mut self) -> io::Result<()> {
        if let Some(failed) = self.failed.take() {
            return Err(failed);
        }
        step()?;
        self.file.sync_all()
    }

    /// Gives the file its name, in place of what was there.
    pub fn rename_to(&mut self, target: &Path) -> io::Result<()> {
        step()?;
        fs::rename(&self.path, target)?;
        self.there = false;
        Ok(())
    }

    /// Removes the file.
    pub fn discard(mut self) -> io::Result<()> {
        step()?;
        self.there = false;
        fs::remove_file(&self.path)
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if self.there && step().is_ok() {
            // What cannot be removed now is removed by the next writer of this target.
            let _ = fs::remove_file(&self.path);
        }
    }
}

impl Write for Temporary {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        step().and_then(|()| self.file.write(bytes)).inspect_err(|error| {
            let again = error.raw_os_error().map_or_else(|| error.kind().into(), io::Error::from_raw_os_error);
            if error.kind() != io::ErrorKind::Interrupted {
                self.failed.get_or_insert(again);
            }
        })
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Seek for Temporary {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}

/// `.NAME.tmpXXXXXX` beside `target`.
pub fn temporary_path(target: &Path) -> PathBuf {
    let drawn: String = (0..DRAWN).map(|_| fastrand::alphanumeric()).collect();
    folder_of(target).join(format!(".{}{INFIX}{drawn}", short_name(target)))
}

fn short_name(target: &Path) -> String {
    let name = target.file_name().unwrap_or_default().to_string_lossy();
    name[..name.floor_char_boundary(NAME_BYTES_MAX)].into()
}

/// The name of the file that the temporary file `name` is renamed to at the end, or its start if that name is long.
/// None if `name` is not a temporary's.
fn target_of(name: &str) -> Option<&str> {
    let (target, drawn) = name.strip_prefix('.')?.rsplit_once(INFIX)?;
    let is_drawn = drawn.len() == DRAWN && drawn.bytes().all(|b| b.is_ascii_alphanumeric());
    (is_drawn && !target.is_empty()).then_some(target)
}

fn temporaries(folder: &Path) -> io::Result<Vec<(DirEntry, String)>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let target = target_of(&entry.file_name().to_string_lossy()).map(String::from);
        found.extend(target.map(|target| (entry, target)));
    }
    Ok(found)
}

/// Names in `folder` that something is being written for, or was when its writer was ended.
pub fn unfinished(folder: &Path) -> io::Result<Vec<String>> {
    Ok(temporaries(folder)?.into_iter().map(|(_, target)| target).collect())
}

/// A temporary whose writer was ended; nobody else takes it for abandoned while this is held.
pub struct Abandoned {
    path: PathBuf,
    /// The name that it was to become.
    pub target: String,
    _lock: File,
}

impl Abandoned {
    /// Locks what an entry of a folder names; none where its writer is alive, or where it cannot be opened.
    fn lock(entry: &DirEntry, target: String) -> Option<Self> {
        let (path, kind) = (entry.path(), entry.file_type().ok()?);
        let file = if kind.is_dir() {
            File::open(&path)
        } else if kind.is_file() {
            File::options().read(true).write(true).open(&path)
        } else {
            return None;
        };
        let lock = file.ok()?;
        lock.try_lock().ok()?;
        Some(Self { path, target, _lock: lock })
    }

    pub fn remove(self) -> io::Result<()> {
        step()?;
        if self.path.is_dir() { fs::remove_dir_all(&self.path) } else { fs::remove_file(&self.path) }
    }
}

/// The temporaries in `folder` that no living program holds.
pub fn abandoned(folder: &Path) -> io::Result<Vec<Abandoned>> {
    Ok(temporaries(folder)?.into_iter().filter_map(|(entry, target)| Abandoned::lock(&entry, target)).collect())
}

/// Removes what writers of `target` that were ended have left. A folder that cannot be listed keeps it.
pub fn sweep(target: &Path) {
    let name = short_name(target);
    let of_target = temporaries(folder_of(target)).unwrap_or_default().into_iter().filter(|(_, of)| *of == name);
    for found in of_target.filter_map(|(entry, of)| Abandoned::lock(&entry, of)) {
        let _ = found.remove();
    }
}
