//! House rules that neither the compiler nor clippy checks (`[lints]` in Cargo.toml, clippy.toml): files are short, and
//! imports point one way.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by a panic")]

mod counted;
mod documented;
mod imports;
mod links;

use std::fs;
use std::path::{Path, PathBuf};

const FILE_LINES_MAX: usize = 400;
const FOLDERS: [&str; 5] = ["src", "tests", "engines", "ci", "examples"];
const EXTENSIONS: [&str; 3] = ["rs", "cu", "py"];

/// `path:lines: what is wrong`, for a file that is too long.
fn violation(path: &str, text: &str) -> Option<String> {
    let lines = text.lines().count();
    let found = || format!("{path}:{lines}: the file has {lines} lines, at most {FILE_LINES_MAX} are allowed");
    (lines > FILE_LINES_MAX).then(found)
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|e| EXTENSIONS.iter().any(|known| e == *known)) {
            found.push(path);
        }
    }
}

#[test]
fn every_file_keeps_the_rules() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut paths = Vec::new();
    for folder in FOLDERS.iter().map(|folder| root.join(folder)).filter(|folder| folder.exists()) {
        files(&folder, &mut paths);
    }
    paths.sort();
    assert!(paths.iter().any(|path| path.ends_with("src/lib.rs")), "the walk did not reach src");
    let in_file = |path: &PathBuf| {
        let name = path.strip_prefix(root).unwrap().to_string_lossy().replace('\\', "/");
        violation(&name, &fs::read_to_string(path).unwrap())
    };
    let found: Vec<String> = paths.iter().filter_map(in_file).collect();
    assert!(found.is_empty(), "{} violations:\n{}", found.len(), found.join("\n"));
}

#[test]
fn a_long_file_is_found() {
    let file = |lines: usize| "// line\n".repeat(lines);
    assert_eq!(violation("engines/a.cu", &file(FILE_LINES_MAX)), None);
    let found = violation("engines/a.cu", &file(FILE_LINES_MAX + 1)).unwrap();
    assert!(found.starts_with("engines/a.cu:401: "), "{found}");
}
