//! Plans on disk. A plan's file is a line of JSON ([`Header`]) and the plan; it is named by its graph's hash, the target
//! and the library, and used only where library version, graph and its own hash are those of the header. Beside the
//! plans lies which sets of them were checked against the CPU.

use std::fs::File;
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::TensorRtError;
use crate::files;

/// The version of this layout.
const FORMAT: u32 = 1;
/// Far more than a header, or the file of a check, has.
const HEADER_BYTES_MAX: u64 = 16 << 10;
/// Far more than the plan of the largest engine: its weights are 200 MB of halves.
const PLAN_BYTES_MAX: u64 = 2 << 30;

/// A folder of plans.
pub struct Cache {
    folder: PathBuf,
}

/// What a plan depends on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Key {
    pub graph: String,
    pub graph_sha256: String,
    pub target: String,
    /// `tensorrt` or `tensorrt-rtx`, and its version.
    pub library: String,
    pub version: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    format: u32,
    key: Key,
    plan_sha256: String,
    plan_bytes: u64,
}

/// What the cache has.
#[derive(Debug, PartialEq)]
pub enum Kept {
    Plan(Plan),
    Nothing,
    /// A file that must not be used, and why.
    Stale(String),
}

#[derive(Debug, PartialEq)]
pub struct Plan {
    pub bytes: Vec<u8>,
    pub sha256: String,
}

/// A set of plans that gave the CPU's scores.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Checked {
    pub format: u32,
    /// Of the plans, in the order of the graphs.
    pub plans_sha256: Vec<String>,
    pub frames: usize,
    /// The largest difference, of the CPU's score, and what was allowed.
    pub score_difference: f64,
    pub bound: f64,
}

pub fn sha256(bytes: &[u8]) -> String {
    files::hex(&Sha256::digest(bytes))
}

impl Cache {
    /// `folder`, or where a service (`CACHE_DIRECTORY`) or a person keeps such things.
    pub fn new(folder: Option<&Path>) -> Result<Self, TensorRtError> {
        let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let own = || {
            let home = || variable("HOME").map(|home| home.join(".cache"));
            Some(variable("XDG_CACHE_HOME").or_else(home)?.join("crosscheck"))
        };
        let folder = folder.map(PathBuf::from);
        let folder = folder.or_else(|| variable("CACHE_DIRECTORY")).or_else(own).ok_or(TensorRtError::NoFolder)?;
        Ok(Self { folder })
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    fn path(&self, key: &Key) -> PathBuf {
        let Key { graph, graph_sha256, target, library, .. } = key;
        let graph_sha256 = graph_sha256.get(..16).unwrap_or(graph_sha256);
        self.folder.join(format!("{graph_sha256}-{target}-{library}-{graph}.plan"))
    }

    fn check_path(&self, keys: &[Key]) -> PathBuf {
        let name = sha256(keys.iter().map(|key| key.graph_sha256.as_str()).collect::<String>().as_bytes());
        let first = keys.first().map_or(String::new(), |key| format!("{}-{}", key.target, key.library));
        self.folder.join(format!("{}-{first}.checked", &name[..16]))
    }

    /// The plan of `key`.
    pub fn read(&self, key: &Key) -> Result<Kept, TensorRtError> {
        let path = self.path(key);
        match read_plan(&path, key) {
            Ok(kept) => Ok(kept),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Kept::Nothing),
            Err(error) => Err(TensorRtError::Read { path, reason: error.to_string() }),
        }
    }

    /// Keeps a plan, in place of what was there, and gives its hash.
    pub fn write(&self, key: &Key, plan: &[u8]) -> Result<String, TensorRtError> {
        let (plan_sha256, plan_bytes) = (sha256(plan), plan.len() as u64);
        let header = Header { format: FORMAT, key: key.clone(), plan_sha256: plan_sha256.clone(), plan_bytes };
        self.put(&self.path(key), &header, plan)?;
        Ok(plan_sha256)
    }

    /// The check of these plans; none where there was none, or it was of others.
    pub fn checked(&self, keys: &[Key], plans: &[Plan]) -> Result<Option<Checked>, TensorRtError> {
        let path = self.check_path(keys);
        let failed = |reason: String| TensorRtError::Read { path: path.clone(), reason };
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed(error.to_string())),
        };
        let checked: Option<Checked> = line(&mut BufReader::new(file)).map_err(|error| failed(error.to_string()))?.ok();
        let same = |checked: &Checked| {
            checked.format == FORMAT && checked.plans_sha256.iter().eq(plans.iter().map(|plan| &plan.sha256))
        };
        Ok(checked.filter(same))
    }

    /// Says that these plans, by hash, gave the CPU's scores.
    pub fn keep_check(
        &self,
        keys: &[Key],
        plans_sha256: Vec<String>,
        frames: usize,
        (score_difference, bound): (f64, f64),
    ) -> Result<(), TensorRtError> {
        let checked = Checked { format: FORMAT, plans_sha256, frames, score_difference, bound };
        self.put(&self.check_path(keys), &checked, &[])
    }

    fn put(&self, path: &Path, header: &impl Serialize, body: &[u8]) -> Result<(), TensorRtError> {
        let written = std::fs::create_dir_all(&self.folder).and_then(|()| {
            files::write_whole(path, |file| {
                serde_json::to_writer(&mut *file, header)?;
                file.write_all(b"\n")?;
                file.write_all(body)
            })
        });
        written.map_err(|error| TensorRtError::Write { path: path.into(), reason: error.to_string() })
    }
}

/// The first line as JSON; an inner error where it is none of `T`.
fn line<T: DeserializeOwned>(file: &mut impl BufRead) -> std::io::Result<serde_json::Result<T>> {
    let mut text = Vec::new();
    file.take(HEADER_BYTES_MAX).read_until(b'\n', &mut text)?;
    Ok(serde_json::from_slice(&text))
}

fn read_plan(path: &Path, key: &Key) -> std::io::Result<Kept> {
    let mut file = BufReader::new(File::open(path)?);
    let stale = |reason: String| Ok(Kept::Stale(format!("{}: {reason}", path.display())));
    let header: Header = match line(&mut file)? {
        Ok(header) => header,
        Err(error) => return stale(format!("it does not begin as a plan's file does ({error})")),
    };
    if header.format != FORMAT {
        return stale(format!("it has format {} where {FORMAT} is expected", header.format));
    }
    if header.key.version != key.version {
        return stale(format!("it is of {} {}, not {}", header.key.library, header.key.version, key.version));
    }
    if header.key != *key {
        return stale("it is of another graph, target or library".into());
    }
    let length = file.get_ref().metadata()?.len();
    if header.plan_bytes > PLAN_BYTES_MAX || header.plan_bytes > length {
        return stale(format!("it says {} bytes of plan and has {length} in all", header.plan_bytes));
    }
    let mut bytes = Vec::with_capacity(header.plan_bytes as usize);
    file.take(header.plan_bytes + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 != header.plan_bytes || sha256(&bytes) != header.plan_sha256 {
        return stale("its plan is not what was written".into());
    }
    Ok(Kept::Plan(Plan { bytes, sha256: header.plan_sha256 }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> Key {
        Key {
            graph: "rgb_tokens".into(),
            graph_sha256: "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef".into(),
            target: "sm89".into(),
            library: "tensorrt-rtx".into(),
            version: "1.7.1".into(),
        }
    }

    fn stale(cache: &Cache, key: &Key) -> String {
        match cache.read(key).unwrap() {
            Kept::Stale(reason) => reason,
            kept => panic!("{kept:?} is used"),
        }
    }

    #[test]
    fn a_plan_is_given_back_for_its_own_key_only() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::new(Some(&folder.path().join("plans"))).unwrap();
        assert_eq!(cache.read(&key()), Ok(Kept::Nothing));
        let hash = cache.write(&key(), b"a plan\nof two lines").unwrap();
        let want = Plan { bytes: b"a plan\nof two lines".into(), sha256: hash };
        assert_eq!(cache.read(&key()), Ok(Kept::Plan(want)));
        for other in [
            Key { target: "sm86".into(), ..key() },
            Key { library: "tensorrt".into(), ..key() },
            Key { graph: "xyz_groups".into(), ..key() },
            Key { graph_sha256: "f".repeat(64), ..key() },
        ] {
            assert_eq!(cache.read(&other), Ok(Kept::Nothing), "{other:?}");
        }
        assert!(stale(&cache, &Key { version: "1.8.0".into(), ..key() }).contains("1.7.1, not 1.8.0"));
        // The same beginning of the hash, and so the same file.
        let near = Key { graph_sha256: "0123456789abcdef".repeat(3), ..key() };
        assert!(stale(&cache, &near).contains("another graph"));
    }

    #[test]
    fn what_was_changed_on_disk_is_not_used() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::new(Some(folder.path())).unwrap();
        cache.write(&key(), &[7; 100]).unwrap();
        let path = cache.path(&key());
        let whole = std::fs::read(&path).unwrap();
        let mut flipped = whole.clone();
        *flipped.last_mut().unwrap() ^= 1;
        for bytes in [&whole[..whole.len() - 1], &whole[..20], &[], &[whole.as_slice(), b"more"].concat(), &flipped] {
            std::fs::write(&path, bytes).unwrap();
            stale(&cache, &key());
        }
        let huge = String::from_utf8_lossy(&whole).replace("\"plan_bytes\":100", "\"plan_bytes\":99999999999");
        std::fs::write(&path, huge.as_bytes()).unwrap();
        assert!(stale(&cache, &key()).contains("99999999999"));
        std::fs::write(&path, vec![b' '; 1 << 20]).unwrap();
        stale(&cache, &key());
    }

    #[test]
    fn a_check_is_of_the_very_plans() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::new(Some(folder.path())).unwrap();
        let plan = |sha256: &str| Plan { bytes: Vec::new(), sha256: sha256.into() };
        let keys = [key()];
        assert_eq!(cache.checked(&keys, &[plan("a")]), Ok(None));
        cache.keep_check(&keys, vec!["a".into()], 3, (0.001, 0.02)).unwrap();
        assert_eq!(cache.checked(&keys, &[plan("a")]).unwrap().map(|checked| checked.frames), Some(3));
        assert_eq!(cache.checked(&keys, &[plan("b")]), Ok(None));
        assert_eq!(cache.checked(&keys, &[]), Ok(None));
        std::fs::write(cache.check_path(&keys), "{}").unwrap();
        assert_eq!(cache.checked(&keys, &[plan("a")]), Ok(None));
    }
}
