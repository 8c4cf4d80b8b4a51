//! The program under strace, which ends it, or lets a call fail, at one system call.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// Calls that make, fill, name or remove files.
const CALLS: &str =
    "openat,write,pwrite64,fsync,?rename,renameat,renameat2,?unlink,unlinkat,?mkdir,mkdirat,?rmdir,ftruncate";

/// One call of the program: its name, and which of its thread's calls of that name it is, from 1.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Point {
    pub call: String,
    pub number: usize,
}

/// What happens at a point.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Harm {
    Kill,
    Error(&'static str),
}

/// Runs a command line in `folder`; words are arguments.
pub fn run(folder: &Path, line: &str) -> Output {
    finish(Command::new(env!("CARGO_BIN_EXE_crosscheck")), folder, line)
}

/// The same, harmed at a point.
pub fn run_harmed(folder: &Path, line: &str, point: &Point, harm: Harm) -> Output {
    let Point { call, number } = point;
    let what = match harm {
        Harm::Kill => "signal=SIGKILL".to_string(),
        Harm::Error(name) => format!("error={name}"),
    };
    let mut strace = Command::new("strace");
    strace.args(["-f", "-qqq", "-o", "/dev/null", "-e", &format!("trace={call}")]);
    strace.args(["-e", &format!("inject={call}:{what}:when={number}"), env!("CARGO_BIN_EXE_crosscheck")]);
    finish(strace, folder, line)
}

fn finish(mut command: Command, folder: &Path, line: &str) -> Output {
    command.current_dir(folder).env_remove("RUST_LOG").stdin(Stdio::null()).args(line.split_whitespace());
    command.output().unwrap()
}

/// The points at which the command writes, each once: threads count their calls on their own.
pub fn points(folder: &Path, line: &str) -> Vec<Point> {
    let log = tempfile::NamedTempFile::new().unwrap();
    let mut strace = Command::new("strace");
    strace.args(["-f", "-qqq", "-s", "0", "-e", &format!("trace={CALLS}"), "-e", "signal=none", "-o"]);
    strace.arg(log.path()).arg(env!("CARGO_BIN_EXE_crosscheck"));
    let output = finish(strace, folder, line);
    assert!(output.status.success(), "{line}\n{}", String::from_utf8_lossy(&output.stderr));
    let mut counts: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    let mut found = BTreeSet::new();
    let text = String::from_utf8_lossy(&std::fs::read(log.path()).unwrap()).into_owned();
    for line in text.lines() {
        let Some((thread, rest)) = line.split_once(' ') else { continue };
        let Some((call, arguments)) = rest.trim_start().split_once('(') else { continue };
        if call.starts_with('<') {
            continue;
        }
        let number = counts.entry((thread, call)).or_default();
        *number += 1;
        let writes = match call {
            "openat" => arguments.contains("O_CREAT"),
            // Not what is printed, and not what wakes a thread or a child.
            "write" => !["0,", "1,", "2,"].iter().any(|fd| arguments.starts_with(fd)) && !arguments.ends_with("= 8"),
            _ => true,
        };
        if writes {
            found.insert(Point { call: call.into(), number: *number });
        }
    }
    found.into_iter().collect()
}

/// At most `count` of the points, evenly spread.
pub fn sample(points: &[Point], count: usize) -> Vec<Point> {
    let count = count.min(points.len());
    (0..count).map(|i| points[i * points.len() / count].clone()).collect()
}

/// Every file under `folder` with its bytes, by its path in it.
pub fn content(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let (mut found, mut open) = (BTreeMap::new(), vec![folder.to_path_buf()]);
    while let Some(path) = open.pop() {
        for entry in std::fs::read_dir(path).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else {
                found.insert(path.strip_prefix(folder).unwrap().into(), std::fs::read(&path).unwrap());
            }
        }
    }
    found
}

/// A copy of `folder` in a folder of its own.
pub fn copy(folder: &Path) -> tempfile::TempDir {
    let to = tempfile::tempdir().unwrap();
    for (path, bytes) in content(folder) {
        std::fs::create_dir_all(to.path().join(&path).parent().unwrap()).unwrap();
        std::fs::write(to.path().join(path), bytes).unwrap();
    }
    to
}

/// What a writer left half-way: files that begin with a dot, or lie in a folder that does.
pub fn temporaries(folder: &Path) -> Vec<PathBuf> {
    let hidden = |path: &PathBuf| path.iter().any(|name| name.to_string_lossy().starts_with('.'));
    content(folder).into_keys().filter(hidden).collect()
}
