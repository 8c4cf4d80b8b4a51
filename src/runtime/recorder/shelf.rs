//! What a recording holds, oldest first, and the room that it takes.

use std::collections::{BTreeMap, VecDeque};
use std::fs::{self, DirEntry};
use std::io;
use std::path::{Path, PathBuf};

/// What the files of a part end in.
const EXTENSIONS: [&str; 3] = ["png", "tiff", "json"];

/// Recorded parts and their files.
pub struct Shelf {
    test: PathBuf,
    quota_bytes: u64,
    /// By name, which is by time.
    parts: VecDeque<Part>,
    bytes: u64,
    /// The largest part so far: room for as much is made before the next is written.
    part_bytes_max: u64,
}

#[derive(Debug)]
struct Part {
    kind: String,
    stem: String,
    bytes: u64,
}

impl Shelf {
    /// `test`: a folder of kinds, each with folders of equally named files.
    pub fn open(test: &Path, quota_bytes: u64) -> io::Result<Self> {
        let mut found: BTreeMap<(String, String), u64> = BTreeMap::new();
        for kind in folders(test)? {
            for folder in folders(&kind.path())? {
                for file in fs::read_dir(folder.path())? {
                    let file = file?;
                    // The temporary file of a write that a sudden end cut short.
                    if file.file_name().to_string_lossy().starts_with(".tmp") {
                        fs::remove_file(file.path())?;
                        continue;
                    }
                    let stem = file.path().file_stem().unwrap_or_default().to_string_lossy().into_owned();
                    let kind = kind.file_name().to_string_lossy().into_owned();
                    *found.entry((stem, kind)).or_default() += file.metadata()?.len();
                }
            }
        }
        let parts: VecDeque<Part> = found.into_iter().map(|((stem, kind), bytes)| Part { kind, stem, bytes }).collect();
        let bytes = parts.iter().map(|part| part.bytes).sum();
        let part_bytes_max = parts.iter().map(|part| part.bytes).max().unwrap_or(0);
        Ok(Self { test: test.into(), quota_bytes, parts, bytes, part_bytes_max })
    }

    /// Removes the oldest parts until one more fits.
    pub fn make_room(&mut self) -> io::Result<()> {
        while self.bytes + self.part_bytes_max > self.quota_bytes {
            let Some(oldest) = self.parts.pop_front() else { return Ok(()) };
            self.bytes -= oldest.bytes;
            for file in self.files(&oldest.kind, &oldest.stem)? {
                fs::remove_file(file)?;
            }
        }
        Ok(())
    }

    /// Takes note of a part that was written.
    pub fn add(&mut self, kind: &str, stem: &str) -> io::Result<()> {
        let mut bytes = 0;
        for file in self.files(kind, stem)? {
            bytes += fs::metadata(file)?.len();
        }
        self.bytes += bytes;
        self.part_bytes_max = self.part_bytes_max.max(bytes);
        self.parts.push_back(Part { kind: kind.into(), stem: stem.into(), bytes });
        self.make_room()
    }

    /// Removes what was written of a part before that failed.
    pub fn discard(&self, kind: &str, stem: &str) {
        let files = self.files(kind, stem).unwrap_or_default();
        // What cannot be removed now is found, and counted, when the recording is opened again.
        files.iter().for_each(|file| drop(fs::remove_file(file)));
    }

    fn files(&self, kind: &str, stem: &str) -> io::Result<Vec<PathBuf>> {
        let mut files = Vec::new();
        for folder in folders(&self.test.join(kind))? {
            let named = EXTENSIONS.map(|extension| folder.path().join(format!("{stem}.{extension}")));
            files.extend(named.into_iter().filter(|path| path.exists()));
        }
        Ok(files)
    }
}

fn folders(path: &Path) -> io::Result<Vec<DirEntry>> {
    let mut folders = Vec::new();
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            folders.push(entry);
        }
    }
    Ok(folders)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(test: &Path, kind: &str, stem: &str, bytes: usize) {
        for (folder, extension) in [("rgb", "png"), ("xyz", "tiff"), ("verdict", "json")] {
            let folder = test.join(kind).join(folder);
            fs::create_dir_all(&folder).unwrap();
            fs::write(folder.join(format!("{stem}.{extension}")), vec![0; bytes]).unwrap();
        }
    }

    fn stems(shelf: &Shelf) -> Vec<&str> {
        shelf.parts.iter().map(|part| part.stem.as_str()).collect()
    }

    fn files(test: &Path, stem: &str) -> usize {
        let kinds = ["good", "reject"].map(|kind| test.join(kind));
        let folders = kinds.iter().flat_map(|kind| folders(kind).unwrap());
        folders
            .flat_map(|f| fs::read_dir(f.path()).unwrap())
            .filter(|f| f.as_ref().unwrap().path().file_stem().unwrap() == stem)
            .count()
    }

    #[test]
    fn the_oldest_parts_go_first_whatever_their_kind() {
        let folder = tempfile::tempdir().unwrap();
        let test = folder.path();
        write(test, "reject", "001", 100);
        write(test, "good", "002", 100);
        write(test, "reject", "003", 100);
        let mut shelf = Shelf::open(test, 1000).unwrap();
        assert_eq!((stems(&shelf), shelf.bytes), (vec!["001", "002", "003"], 900));
        shelf.make_room().unwrap();
        assert_eq!((stems(&shelf), shelf.bytes), (vec!["002", "003"], 600));
        write(test, "good", "004", 120);
        shelf.add("good", "004").unwrap();
        // Room for one more as large as the largest.
        assert_eq!((stems(&shelf), shelf.bytes), (vec!["004"], 360));
        assert_eq!(["001", "002", "003", "004"].map(|stem| files(test, stem)), [0, 0, 0, 3]);
    }

    #[test]
    fn what_was_half_written_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), "good", "001", 10);
        fs::create_dir_all(folder.path().join("reject")).unwrap();
        let temporary = folder.path().join("good/rgb/.tmpAbC");
        fs::write(&temporary, b"half").unwrap();
        let shelf = Shelf::open(folder.path(), 1000).unwrap();
        assert!(!temporary.exists() && shelf.bytes == 30);
        shelf.discard("good", "001");
        assert_eq!(files(folder.path(), "001"), 0);
    }
}
