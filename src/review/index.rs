//! What a recording has: its names by listing its folders; what is asked of a part is read once and kept in a few bytes.

use std::collections::HashMap;
use std::fs;
use std::io::{self, ErrorKind};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::error::ReviewError;
use crate::dataset::finding::{self, Finding};
use crate::dataset::recording::{self, PartRecord};
use crate::defects::Kind;
use crate::score::Verdict;

/// A folder that changed as recently may change again within one step of its file system's clock.
const SETTLED: Duration = Duration::from_secs(2);

/// All recorded parts, the newest first.
pub struct Index {
    test: PathBuf,
    /// When each folder changed last, if it was long enough before it was listed.
    listed: Option<Changes>,
    slots: Vec<Slot>,
}

/// When the folders of records and of findings changed last: seconds and nanoseconds; none where one is not there.
type Changes = [Option<(i64, i64)>; 2 * Verdict::ALL.len()];

struct Slot {
    name: Box<str>,
    verdict: Verdict,
    record: Record,
    finding: Option<Said>,
}

/// What is known of a part's record, which never changes.
#[derive(Clone, Copy)]
enum Record {
    Unread,
    Read(Facts),
    /// It cannot be read, or the part was removed since.
    Unreadable,
}

/// What of a record is filtered by and counted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Facts {
    pub captured_unix_ms: u64,
    pub score: Option<f32>,
    /// A score up to this passed.
    pub pass_limit: f32,
    /// The kind of the worst defect.
    pub kind: Option<Kind>,
    pub recipe: Option<u16>,
    /// The first bytes of the engine's hash.
    pub engine: EngineId,
}

/// The beginning of an engine's content hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EngineId([u8; 16]);

impl EngineId {
    pub fn of(sha256: &str) -> Self {
        let mut bytes = [0; 16];
        bytes.iter_mut().zip(sha256.bytes()).for_each(|(to, from)| *to = from);
        Self(bytes)
    }
}

/// What a person said, by the state of the file that it was read from.
struct Said {
    state: State,
    finding: Option<Option<Finding>>,
}

/// The number of a file, and when it was written: another one was written since where they differ.
type State = (u64, i64, i64);

impl From<&PartRecord> for Facts {
    fn from(record: &PartRecord) -> Self {
        Self {
            captured_unix_ms: record.captured_unix_ms,
            score: record.score,
            pass_limit: record.review.unwrap_or(record.threshold),
            kind: record.defects.first().map(|defect| defect.kind),
            recipe: record.recipe,
            engine: EngineId::of(&record.engine_sha256),
        }
    }
}

impl Index {
    pub fn new(test: PathBuf) -> Self {
        Self { test, listed: None, slots: Vec::new() }
    }

    pub fn test(&self) -> &Path {
        &self.test
    }

    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// Lists the folders again if one has changed. What was read of parts that are still there is kept.
    pub fn renew(&mut self) -> Result<(), ReviewError> {
        let changes = self.changes();
        if self.listed == Some(changes) {
            return Ok(());
        }
        // Whatever fails below, the folders are listed again.
        self.listed = None;
        let failed = |path: PathBuf| move |source| ReviewError::List { path, source };
        let mut before: HashMap<Box<str>, Slot> =
            std::mem::take(&mut self.slots).into_iter().map(|slot| (slot.name.clone(), slot)).collect();
        for verdict in Verdict::ALL {
            let folder = self.test.join(recording::folder_of(verdict));
            let (records, findings) = (folder.join(recording::FOLDER), folder.join(finding::FOLDER));
            let mut said = states(&findings).map_err(failed(findings))?;
            for name in names(&records).map_err(failed(records))? {
                let state = said.remove(&name);
                let known = before.remove(&name).filter(|slot| slot.verdict == verdict);
                let (record, known) = known.map_or((Record::Unread, None), |slot| (slot.record, slot.finding));
                let renewed = |state| match known.filter(|said| said.state == state) {
                    Some(said) => said,
                    None => Said { state, finding: None },
                };
                self.slots.push(Slot { name, verdict, record, finding: state.map(renewed) });
            }
        }
        self.slots.sort_unstable_by(|a, b| b.name.cmp(&a.name));
        // A person may have copied one from folder to folder.
        self.slots.dedup_by(|a, b| a.name == b.name);
        self.listed = is_settled(&changes).then_some(changes);
        Ok(())
    }

    /// The first part that is older than `name`.
    pub fn after(&self, name: &str) -> usize {
        self.slots.partition_point(|slot| &*slot.name >= name)
    }

    pub fn name(&self, at: usize) -> &str {
        &self.slots[at].name
    }

    pub fn verdict(&self, at: usize) -> Verdict {
        self.slots[at].verdict
    }

    /// What the record of a part says; none where it cannot be read, or is no longer there.
    pub fn facts(&mut self, at: usize) -> Option<Facts> {
        if let Record::Unread = self.slots[at].record {
            let record = PartRecord::read(&self.file(at, recording::FOLDER));
            let record = record.inspect_err(|error| log::warn!("a part is left out: {error}"));
            self.slots[at].record = match record {
                Ok(Some(record)) => Record::Read(Facts::from(&record)),
                Ok(None) | Err(_) => Record::Unreadable,
            };
        }
        if let Record::Read(facts) = self.slots[at].record { Some(facts) } else { None }
    }

    /// What a person says of a part; nothing where it cannot be read.
    pub fn finding(&mut self, at: usize) -> Option<&Finding> {
        self.slots[at].finding.as_ref()?;
        let path = self.file(at, finding::FOLDER);
        let said = self.slots[at].finding.as_mut()?;
        let read = || {
            let finding = Finding::read(&path);
            finding.inspect_err(|error| log::warn!("a finding is left out: {error}")).unwrap_or(None)
        };
        said.finding.get_or_insert_with(read).as_ref()
    }

    fn file(&self, at: usize, folder: &str) -> PathBuf {
        let Slot { name, verdict, .. } = &self.slots[at];
        self.test.join(recording::folder_of(*verdict)).join(folder).join(format!("{name}.json"))
    }

    fn changes(&self) -> Changes {
        std::array::from_fn(|at| {
            let folder = self.test.join(recording::folder_of(Verdict::ALL[at / 2]));
            let changed = fs::metadata(folder.join([recording::FOLDER, finding::FOLDER][at % 2])).ok()?;
            Some((changed.mtime(), changed.mtime_nsec()))
        })
    }
}

/// Whether the last change is long enough ago that no other can have the same time.
fn is_settled(changes: &Changes) -> bool {
    let Some((seconds, nanoseconds)) = changes.iter().flatten().max() else { return false };
    let changed = Duration::new((*seconds).max(0) as u64, *nanoseconds as u32);
    SystemTime::now().duration_since(UNIX_EPOCH).is_ok_and(|now| now.saturating_sub(changed) > SETTLED)
}

/// The files of a folder that a station named, by their names without the suffix; nothing where no folder is there.
fn files(folder: &Path) -> io::Result<Vec<(Box<str>, fs::DirEntry)>> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name();
        let stem = name.to_str().and_then(|name| name.strip_suffix(".json")).filter(|stem| recording::is_name(stem));
        if let Some(stem) = stem {
            found.push((stem.into(), entry));
        }
    }
    Ok(found)
}

fn names(folder: &Path) -> io::Result<Vec<Box<str>>> {
    Ok(files(folder)?.into_iter().map(|(name, _)| name).collect())
}

fn states(folder: &Path) -> io::Result<HashMap<Box<str>, State>> {
    let mut states = HashMap::new();
    for (name, entry) in files(folder)? {
        // It may have been removed since it was listed.
        if let Ok(file) = entry.metadata() {
            states.insert(name, (file.ino(), file.mtime(), file.mtime_nsec()));
        }
    }
    Ok(states)
}
