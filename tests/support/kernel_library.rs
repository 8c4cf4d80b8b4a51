//! Builds the CUDA kernels as a library for the CPU (`ci/cuda/host`), each family by itself and several at once.
//!
//! `CUDA_HOST_OBJECTS` names a folder in which compiled families are kept: a family that was compiled there from the same
//! sources, headers and flags is not compiled again.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::thread;

/// What the library is built of.
pub struct Parts<'a> {
    /// The folder of the kernels' sources.
    pub kernels: &'a Path,
    /// Sources of the library beside the kernels and `ci/cuda/host`; they find headers in their own folders.
    pub others: &'a [PathBuf],
    /// Flags of the compiler.
    pub flags: &'a [&'a str],
}

/// A source and the family that it is compiled as.
struct Unit {
    source: PathBuf,
    family: Option<PathBuf>,
}

/// The flags of all libraries. Multiply-adds are not fused, as in the kernels that decide an index.
const FLAGS: [&str; 8] = [
    "-std=c++17",
    "-g1",
    "-fPIC",
    "-fvisibility=hidden",
    "-ffp-contract=off",
    "-Wall",
    "-Wextra",
    "-Wno-unknown-pragmas",
];

/// Builds `library`; false if there is no g++.
pub fn build(parts: &Parts<'_>, library: &Path) -> bool {
    let made = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let kept = std::env::var_os("CUDA_HOST_OBJECTS").map_or_else(|| made.path().to_path_buf(), PathBuf::from);
    let waiting = Mutex::new(units(parts));
    let next = || waiting.lock().unwrap().pop();
    let work = || {
        let mut objects = Vec::new();
        while let Some(unit) = next() {
            objects.push(object(parts, &unit, &kept)?);
        }
        Some(objects)
    };
    let workers = thread::available_parallelism().map_or(1, usize::from);
    let done: Vec<Option<Vec<PathBuf>>> = thread::scope(|scope| {
        let threads: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let Some(objects) = done.into_iter().collect::<Option<Vec<_>>>() else { return false };
    link(&objects.concat(), parts.flags, library)
}

/// Links objects, or sources without headers of their own, to `library`; false if there is no g++.
pub fn link(objects: &[PathBuf], flags: &[&str], library: &Path) -> bool {
    let mut compiler = compiler(flags);
    compiler.arg("-shared").args(objects).arg("-o").arg(library);
    run(compiler)
}

fn host() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("ci/cuda/host")
}

/// Every family of kernels, the kernels that only the tests launch, and what runs them.
fn units(parts: &Parts<'_>) -> Vec<Unit> {
    let families = [files(parts.kernels, "cu"), files(&host(), "cu")].concat();
    let families =
        families.into_iter().map(|kernels| Unit { source: host().join("family.cpp"), family: Some(kernels) });
    let others = ["library.cpp", "scheduler.cpp"].map(|name| host().join(name)).into_iter();
    let others = others.chain(parts.others.iter().cloned()).map(|source| Unit { source, family: None });
    others.chain(families).collect()
}

/// The files of a folder with this extension, in the order of their names.
fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let paths = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut paths: Vec<PathBuf> = paths.filter(|path| path.extension() == Some(OsStr::new(extension))).collect();
    paths.sort();
    paths
}

/// The folders in which headers are looked for, in this order.
fn header_folders(parts: &Parts<'_>) -> Vec<PathBuf> {
    let others = parts.others.iter().filter_map(|source| source.parent().map(Path::to_path_buf));
    others.chain([host(), parts.kernels.to_path_buf()]).collect()
}

/// The texts of a source and of the headers that it includes, and that they include.
fn texts(path: &Path, folders: &[PathBuf], seen: &mut BTreeMap<PathBuf, String>) {
    if !path.exists() || seen.contains_key(path) {
        return;
    }
    let text = std::fs::read_to_string(path).unwrap();
    let included =
        text.lines().filter_map(|line| line.strip_prefix("#include ")).map(|name| name.trim_matches(['"', '<', '>']));
    let included: Vec<PathBuf> =
        included.flat_map(|name| folders.iter().map(move |folder| folder.join(name))).collect();
    seen.insert(path.to_path_buf(), text);
    included.iter().for_each(|path| texts(path, folders, seen));
}

fn compiler(flags: &[&str]) -> Command {
    let mut compiler = Command::new("g++");
    // A sanitizer that is loaded before a test's program is for the kernels, not for their compiler.
    compiler.args(FLAGS).args(flags).env_remove("LD_PRELOAD");
    compiler
}

/// Runs the compiler; false if there is none.
fn run(mut compiler: Command) -> bool {
    let compiled = match compiler.output() {
        Ok(compiled) => compiled,
        Err(error) if error.kind() == ErrorKind::NotFound => return false,
        Err(error) => panic!("g++ does not start: {error}"),
    };
    assert!(compiled.status.success(), "{}", String::from_utf8_lossy(&compiled.stderr));
    true
}

/// The object of a unit in the folder `kept`, compiled unless it is there; none if there is no g++.
fn object(parts: &Parts<'_>, unit: &Unit, kept: &Path) -> Option<PathBuf> {
    let (folders, mut read) = (header_folders(parts), BTreeMap::new());
    [Some(&unit.source), unit.family.as_ref()].into_iter().flatten().for_each(|path| texts(path, &folders, &mut read));
    let mut hasher = DefaultHasher::new();
    (read.into_values().collect::<Vec<_>>(), FLAGS, parts.flags).hash(&mut hasher);
    let name = unit.family.as_ref().unwrap_or(&unit.source).file_stem().unwrap().to_str().unwrap();
    let object = kept.join(format!("{name}-{:016x}.o", hasher.finish()));
    if object.exists() {
        return Some(object);
    }
    let mut compiler = compiler(parts.flags);
    for folder in folders {
        compiler.arg("-I").arg(folder);
    }
    if let Some(kernels) = &unit.family {
        compiler.arg(format!("-DFAMILY={name}")).arg(format!("-DSOURCE={:?}", kernels.to_str().unwrap()));
    }
    // Renamed when it is whole: another program may look for it at the same time.
    let made = tempfile::NamedTempFile::new_in(kept).unwrap().into_temp_path();
    compiler.arg("-c").arg(&unit.source).arg("-o").arg(&made);
    if !run(compiler) {
        return None;
    }
    made.persist(&object).unwrap();
    Some(object)
}
