//! Plans on disk. A plan's file is a line of JSON ([`Header`]), followed by the plan. The file is named after the
//! graph's hash, the target and the library. A plan is used only if the header has the wanted key, and the hash of the plan
//! is the one in the header. Other files in the folder state which sets of plans were
//! checked against the CPU.

use std::fs::{DirBuilder, File};
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::content::Content;
use super::error::TensorRtError;
use super::key::Key;
use crate::backend::plans::{self, Verdict};
use crate::files;
use crate::ownership::{self, OwnershipError};

/// The version of the files' layout.
const FORMAT: u32 = 2;
/// The mode of a folder that is created.
const FOLDER_MODE: u32 = 0o700;
/// The largest header, or file of a check, that is read, in bytes: far larger than either ever is.
const HEADER_BYTES_MAX: u64 = 16 << 10;

/// A folder of plans.
pub struct Cache {
    folder: PathBuf,
}

/// What a header of any format begins with.
#[derive(Deserialize)]
struct Format {
    format: u32,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    format: u32,
    key: Key,
    plan_sha256: String,
    plan_bytes: u64,
}

/// What the cache has for a key.
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

/// The check of a set of plans ([`Verdict`]).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Checked {
    pub format: u32,
    /// The hashes of the plans, in the order of the graphs.
    pub plans_sha256: Vec<String>,
    pub frames: usize,
    /// The largest difference of a score from the CPU's, relative to the CPU's; none if a score was NaN, which JSON lacks.
    pub score_difference: Option<f64>,
    /// The largest difference that was allowed.
    pub bound: f64,
    /// The median time of a frame with the plans, and with the program's own kernels if their scores were the CPU's.
    pub plans_s: f64,
    pub kernels_s: Option<f64>,
}

impl Checked {
    pub fn verdict(&self) -> Verdict {
        let Self { frames, plans_s, kernels_s, .. } = *self;
        let score_difference = self.score_difference.unwrap_or(f64::NAN);
        Verdict { frames, score_difference, plans_s, kernels_s }
    }
}

pub fn sha256(bytes: &[u8]) -> String {
    files::hex(&Sha256::digest(bytes))
}

impl Cache {
    /// The cache in `folder`, or in the default folder ([`plans::folder`]).
    pub fn new(folder: Option<&Path>) -> Result<Self, TensorRtError> {
        Ok(Self { folder: plans::folder(folder).ok_or(TensorRtError::NoFolder)? })
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The path of the folder, with links resolved; none if there is no folder yet. A folder that others may write to
    /// is refused, as plans are code.
    fn trusted(&self) -> Result<Option<PathBuf>, TensorRtError> {
        match ownership::folder(&self.folder) {
            Ok(folder) => Ok(Some(folder)),
            Err(error) if error.is_absent() => Ok(None),
            Err(error) => Err(self.refused(&error)),
        }
    }

    fn refused(&self, error: &OwnershipError) -> TensorRtError {
        TensorRtError::Untrusted { folder: self.folder.clone(), reason: error.to_string() }
    }

    /// Opens a file of the folder; none if there is no such file.
    fn open(&self, name: &str) -> Result<Option<(PathBuf, File)>, TensorRtError> {
        let Some(folder) = self.trusted()? else { return Ok(None) };
        let path = folder.join(name);
        let no_link = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = match rustix::fs::open(&path, no_link, Mode::empty()) {
            Ok(descriptor) => File::from(descriptor),
            Err(rustix::io::Errno::NOENT) => return Ok(None),
            Err(error) => return Err(TensorRtError::Read { path, reason: error.to_string() }),
        };
        ownership::file(&file, &path).map_err(|error| self.refused(&error))?;
        Ok(Some((path, file)))
    }

    fn name(content: Content, key: &Key) -> String {
        let Key { graph, graph_sha256, target, library, .. } = key;
        let graph_sha256 = graph_sha256.get(..16).unwrap_or(graph_sha256);
        format!("{graph_sha256}-{target}-{library}-{graph}.{}", content.extension())
    }

    fn check_name(keys: &[Key]) -> String {
        let name = sha256(keys.iter().map(|key| key.graph_sha256.as_str()).collect::<String>().as_bytes());
        let first = keys.first().map_or(String::new(), |key| format!("{}-{}", key.target, key.library));
        format!("{}-{first}.checked", &name[..16])
    }

    /// Reads the file of `key` that has this content.
    pub fn read(&self, content: Content, key: &Key) -> Result<Kept, TensorRtError> {
        let Some((path, file)) = self.open(&Self::name(content, key))? else { return Ok(Kept::Nothing) };
        read_file(file, &path, content, key).map_err(|error| TensorRtError::Read { path, reason: error.to_string() })
    }

    /// Keeps a plan, or what was compiled of it, replaces an earlier file of the same key, and returns the content's hash.
    pub fn write(&self, content: Content, key: &Key, plan: &[u8]) -> Result<String, TensorRtError> {
        let (plan_sha256, plan_bytes) = (sha256(plan), plan.len() as u64);
        if plan_bytes > content.bytes_max() {
            let reason = format!("it has {plan_bytes} bytes where at most {} are expected", content.bytes_max());
            return Err(TensorRtError::Write { path: self.folder.join(Self::name(content, key)), reason });
        }
        let header = Header { format: FORMAT, key: key.clone(), plan_sha256: plan_sha256.clone(), plan_bytes };
        self.put(&Self::name(content, key), &header, plan)?;
        Ok(plan_sha256)
    }

    /// The check of these plans; none if they were not checked.
    pub fn checked(&self, keys: &[Key], plans: &[Plan]) -> Result<Option<Checked>, TensorRtError> {
        let Some((path, file)) = self.open(&Self::check_name(keys))? else { return Ok(None) };
        let failed = |reason: String| TensorRtError::Read { path: path.clone(), reason };
        let checked: Option<Checked> = line(&mut BufReader::new(file)).map_err(|error| failed(error.to_string()))?.ok();
        let same = |checked: &Checked| checked.plans_sha256.iter().eq(plans.iter().map(|plan| &plan.sha256));
        Ok(checked.filter(same))
    }

    /// Stores the check of the plans with these hashes.
    pub fn keep_check(&self, keys: &[Key], plans_sha256: Vec<String>, verdict: &Verdict) -> Result<(), TensorRtError> {
        let Verdict { frames, plans_s, kernels_s, .. } = *verdict;
        let score_difference = verdict.score_difference.is_finite().then_some(verdict.score_difference);
        let bound = plans::SCORE_BOUND;
        let checked = Checked { format: FORMAT, plans_sha256, frames, score_difference, bound, plans_s, kernels_s };
        self.put(&Self::check_name(keys), &checked, &[])
    }

    fn put(&self, name: &str, header: &impl Serialize, body: &[u8]) -> Result<(), TensorRtError> {
        let failed = |path: &Path, reason: String| TensorRtError::Write { path: path.into(), reason };
        let made = DirBuilder::new().recursive(true).mode(FOLDER_MODE).create(&self.folder);
        made.map_err(|error| failed(&self.folder, error.to_string()))?;
        let path = ownership::folder(&self.folder).map_err(|error| self.refused(&error))?.join(name);
        let written = files::write_whole(&path, |file| {
            serde_json::to_writer(&mut *file, header)?;
            file.write_all(b"\n")?;
            file.write_all(body)
        });
        written.map_err(|error| failed(&path, error.to_string()))
    }
}

/// Reads the first line as JSON of this layout; the inner error states why it is none.
fn line<T: DeserializeOwned>(file: &mut impl BufRead) -> std::io::Result<Result<T, String>> {
    let mut text = Vec::new();
    file.take(HEADER_BYTES_MAX).read_until(b'\n', &mut text)?;
    Ok(match serde_json::from_slice::<Format>(&text) {
        Ok(Format { format: FORMAT }) => serde_json::from_slice(&text).map_err(|error| invalid(&error)),
        Ok(Format { format }) => Err(format!("it has format {format} where {FORMAT} is expected")),
        Err(error) => Err(invalid(&error)),
    })
}

fn invalid(error: &serde_json::Error) -> String {
    format!("it has no valid header ({error})")
}

fn read_file(file: File, path: &Path, content: Content, key: &Key) -> std::io::Result<Kept> {
    let mut file = BufReader::new(file);
    let stale = |reason: String| Ok(Kept::Stale(format!("{}: {reason}", path.display())));
    let header: Header = match line(&mut file)? {
        Ok(header) => header,
        Err(reason) => return stale(reason),
    };
    if let Some(reason) = header.key.difference(key) {
        return stale(reason);
    }
    let length = file.get_ref().metadata()?.len();
    if header.plan_bytes > content.bytes_max() || header.plan_bytes > length {
        return stale(format!(
            "its header gives its content {} bytes, but the file has {length} in all",
            header.plan_bytes
        ));
    }
    let mut bytes = Vec::with_capacity(header.plan_bytes as usize);
    file.take(header.plan_bytes + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 != header.plan_bytes || sha256(&bytes) != header.plan_sha256 {
        return stale("its content is not what was written".into());
    }
    Ok(Kept::Plan(Plan { bytes, sha256: header.plan_sha256 }))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::backend::tensorrt::key::Device;

    fn key() -> Key {
        Key {
            graph: "rgb_tokens".into(),
            graph_sha256: "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef".into(),
            target: "sm89".into(),
            device: Some(device()),
            library: "tensorrt-rtx".into(),
            version: "1.7.1".into(),
            options: "workspace 1".into(),
            shim_sha256: "5".repeat(64),
        }
    }

    fn device() -> Device {
        Device { name: "Orin".into(), capability: (8, 7), multiprocessors: 8, driver: (12, 2) }
    }

    const VERDICT: Verdict = Verdict { frames: 3, score_difference: 0.001, plans_s: 0.004, kernels_s: Some(0.0035) };

    fn stale(cache: &Cache, key: &Key) -> String {
        match cache.read(Content::Plan, key).unwrap() {
            Kept::Stale(reason) => reason,
            kept => panic!("{kept:?} is used"),
        }
    }

    #[test]
    fn a_plan_is_given_back_for_its_own_key_only() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::new(Some(&folder.path().join("plans"))).unwrap();
        assert_eq!(cache.read(Content::Plan, &key()), Ok(Kept::Nothing));
        let hash = cache.write(Content::Plan, &key(), b"a plan\nof two lines").unwrap();
        let want = Plan { bytes: b"a plan\nof two lines".into(), sha256: hash };
        assert_eq!(cache.read(Content::Plan, &key()), Ok(Kept::Plan(want)));
        for other in [
            Key { target: "sm86".into(), ..key() },
            Key { library: "tensorrt".into(), ..key() },
            Key { graph: "xyz_groups".into(), ..key() },
            Key { graph_sha256: "f".repeat(64), ..key() },
        ] {
            assert_eq!(cache.read(Content::Plan, &other), Ok(Kept::Nothing), "{other:?}");
        }
        assert!(stale(&cache, &Key { version: "1.8.0".into(), ..key() }).contains("1.7.1, not 1.8.0"));
        let on = |device| Key { device, ..key() };
        for (other, words) in [
            (on(None), "another GPU"),
            (on(Some(Device { name: "Orin NX".into(), ..device() })), "another GPU"),
            (on(Some(Device { capability: (8, 9), ..device() })), "another GPU"),
            (on(Some(Device { multiprocessors: 16, ..device() })), "another GPU"),
            (on(Some(Device { driver: (12, 6), ..device() })), "another GPU"),
            (Key { options: "workspace 2".into(), ..key() }, "other options"),
            (Key { shim_sha256: "6".repeat(64), ..key() }, "other options"),
        ] {
            assert!(stale(&cache, &other).contains(words), "{other:?}");
        }
        // This hash has the same beginning, so it gives the same file name.
        let near = Key { graph_sha256: "0123456789abcdef".repeat(3), ..key() };
        assert!(stale(&cache, &near).contains("another graph"));
    }

    #[test]
    fn what_was_changed_on_disk_is_not_used() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::new(Some(folder.path())).unwrap();
        cache.write(Content::Plan, &key(), &[7; 100]).unwrap();
        let path = folder.path().join(Cache::name(Content::Plan, &key()));
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
    fn files_of_the_layout_before_are_built_again() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::new(Some(folder.path())).unwrap();
        let plan = b"a plan";
        let header = format!(
            r#"{{"format":1,"key":{{"graph":"rgb_tokens","graph_sha256":"{}","target":"sm89","library":"tensorrt-rtx","version":"1.7.1"}},"plan_sha256":"{}","plan_bytes":{}}}"#,
            key().graph_sha256,
            sha256(plan),
            plan.len()
        );
        std::fs::write(
            folder.path().join(Cache::name(Content::Plan, &key())),
            [header.as_bytes(), b"\n", plan].concat(),
        )
        .unwrap();
        assert!(stale(&cache, &key()).contains("format 1 where 2"));
        let checked = r#"{"format":1,"plans_sha256":["a"],"frames":3,"score_difference":0.001,"bound":0.02,"plans_s":0.004,"kernels_s":0.0035}"#;
        std::fs::write(folder.path().join(Cache::check_name(&[key()])), checked).unwrap();
        assert_eq!(cache.checked(&[key()], &[Plan { bytes: Vec::new(), sha256: "a".into() }]), Ok(None));
    }

    #[test]
    fn a_check_is_of_the_very_plans() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::new(Some(folder.path())).unwrap();
        let plan = |sha256: &str| Plan { bytes: Vec::new(), sha256: sha256.into() };
        let keys = [key()];
        assert_eq!(cache.checked(&keys, &[plan("a")]), Ok(None));
        cache.keep_check(&keys, vec!["a".into()], &VERDICT).unwrap();
        assert_eq!(cache.checked(&keys, &[plan("a")]).unwrap().map(|checked| checked.verdict()), Some(VERDICT));
        assert_eq!(cache.checked(&keys, &[plan("b")]), Ok(None));
        assert_eq!(cache.checked(&keys, &[]), Ok(None));
        cache.keep_check(&keys, vec!["a".into()], &Verdict { score_difference: f64::NAN, ..VERDICT }).unwrap();
        let wrong = cache.checked(&keys, &[plan("a")]).unwrap().map(|checked| checked.verdict());
        assert!(wrong.is_some_and(|verdict| verdict.score_difference.is_nan() && !verdict.is_right()));
        std::fs::write(folder.path().join(Cache::check_name(&keys)), "{}").unwrap();
        assert_eq!(cache.checked(&keys, &[plan("a")]), Ok(None));
    }

    fn chmod(path: &Path, mode: u32) {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn plans_that_others_may_write_are_refused_and_none_is_kept_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("plans");
        let cache = Cache::new(Some(&path)).unwrap();
        let hash = cache.write(Content::Plan, &key(), &[7; 100]).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o700);
        let plan = Plan { bytes: vec![7; 100], sha256: hash };
        let refused = |error: TensorRtError, words: &str| {
            let message = error.to_string();
            assert!(message.contains("plans are code") && message.contains(words), "{message}");
        };
        for mode in [0o777, 0o770, 0o1777] {
            chmod(&path, mode);
            refused(cache.read(Content::Plan, &key()).unwrap_err(), "plans can be written by others");
            refused(cache.checked(&[key()], &[]).unwrap_err(), "plans can be written by others");
            refused(cache.write(Content::Plan, &key(), &[8; 100]).unwrap_err(), "plans can be written by others");
            refused(cache.keep_check(&[key()], Vec::new(), &VERDICT).unwrap_err(), "by others");
        }
        chmod(&path, 0o755);
        assert_eq!(cache.read(Content::Plan, &key()), Ok(Kept::Plan(plan)));
        // A plan that others may write to is refused, and so is a link to a plan.
        let file = path.join(Cache::name(Content::Plan, &key()));
        chmod(&file, 0o666);
        refused(cache.read(Content::Plan, &key()).unwrap_err(), "can be written by others");
        chmod(&file, 0o644);
        std::fs::rename(&file, path.join("elsewhere")).unwrap();
        std::os::unix::fs::symlink("elsewhere", &file).unwrap();
        assert!(matches!(cache.read(Content::Plan, &key()), Err(TensorRtError::Read { .. })));
    }
}
