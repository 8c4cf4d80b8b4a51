//! House rules that neither the compiler nor clippy checks (`[lints]` in Cargo.toml, clippy.toml): files are short, and
//! imports point one way.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by a panic")]

mod counted;
mod documented;
mod imports;
mod links;
mod messages;
#[path = "../support/worst.rs"]
mod worst;

use std::fs;
use std::path::{Path, PathBuf};

const FILE_LINES_MAX: usize = 400;
const FOLDERS: [&str; 6] = ["src", "tests", "engines", "ci", "examples", "bindings"];
const EXTENSIONS: [&str; 3] = ["rs", "cu", "py"];

/// `path:lines: what is wrong`, for a file that is too long.
fn violation(path: &str, text: &str) -> Option<String> {
    let lines = text.lines().count();
    let found = || format!("{path}:{lines}: the file has {lines} lines, at most {FILE_LINES_MAX} are allowed");
    (lines > FILE_LINES_MAX).then(found)
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The text of a file of the repository.
fn read(path: impl AsRef<Path>) -> String {
    fs::read_to_string(root().join(path)).unwrap()
}

/// The files in a folder of the repository and below it that have one of `extensions`, by their paths from the root, in
/// order. What a build leaves is none of them.
fn files(folder: &Path, extensions: &[&str]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(root().join(folder)).unwrap() {
        let entry = entry.unwrap();
        let path = folder.join(entry.file_name());
        if !entry.file_type().unwrap().is_dir() {
            found.extend(has_extension(&path, extensions).then_some(path));
        } else if entry.file_name() != "target" {
            found.extend(files(&path, extensions));
        }
    }
    found.sort();
    found
}

fn has_extension(path: &Path, extensions: &[&str]) -> bool {
    path.extension().is_some_and(|extension| extensions.iter().any(|known| extension == *known))
}

/// A path from the root as it is written everywhere.
fn name(path: &Path) -> String {
    path.to_string_lossy().replace('\\', "/")
}

#[test]
fn every_file_keeps_the_rules() {
    let folders = FOLDERS.iter().map(Path::new).filter(|folder| root().join(folder).exists());
    let paths: Vec<PathBuf> = folders.flat_map(|folder| files(folder, &EXTENSIONS)).collect();
    assert!(paths.iter().any(|path| path.ends_with("src/lib.rs")), "the walk did not reach src");
    let in_file = |path: &PathBuf| violation(&name(path), &read(path));
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
