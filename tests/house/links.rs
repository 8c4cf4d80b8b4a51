//! The documents' links: every file and heading that one names is there, and every page is in the book's summary.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Component, Path, PathBuf};

use crate::{files, has_extension, read, root};

/// Folders with documents of the repository.
const FOLDERS: [&str; 6] = ["docs", "engines", "ci", "cross", "calibration", "tests"];

/// Every document of the repository, by its path from the root.
fn documents() -> Vec<PathBuf> {
    let at_root = fs::read_dir(root()).unwrap().map(|entry| PathBuf::from(entry.unwrap().file_name()));
    let at_root = at_root.filter(|path| has_extension(path, &["md"]));
    at_root.chain(FOLDERS.iter().flat_map(|folder| files(Path::new(folder), &["md"]))).collect()
}

/// The lines of a document that are no code blocks.
fn prose(text: &str) -> impl Iterator<Item = &str> {
    let mut fenced = false;
    text.lines().filter(move |line| {
        let is_fence = line.trim_start().starts_with("```");
        fenced ^= is_fence;
        !fenced && !is_fence && !line.starts_with("    ")
    })
}

/// The targets of a line's links and pictures, without those of inline code.
fn targets(line: &str) -> Vec<String> {
    let outside: Vec<&str> = line.split('`').step_by(2).collect();
    // Inline code may be the text of a link.
    let text = outside.join("code");
    let ends = text.match_indices("](").map(|(at, _)| &text[at + 2..]);
    ends.filter_map(|rest| rest.split_once(')')).map(|(target, _)| target.to_owned()).collect()
}

/// The anchor that a heading has on forges and in the book.
fn anchor(heading: &str) -> String {
    let kept = heading.trim().chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.flat_map(char::to_lowercase).map(|c| if c == ' ' { '-' } else { c }).collect()
}

fn anchors(text: &str) -> BTreeSet<String> {
    let headings = prose(text).filter(|line| line.starts_with('#'));
    headings.map(|line| anchor(line.trim_start_matches('#'))).collect()
}

/// A path without `.` and `..`.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for component in path.components() {
        match component {
            Component::ParentDir => drop(plain.pop()),
            Component::CurDir => {}
            other => plain.push(other),
        }
    }
    plain
}

/// What is wrong with a link of a document, if anything is.
fn fault(document: &Path, target: &str) -> Option<String> {
    if target.contains("://") || target.starts_with("mailto:") {
        return None;
    }
    let (file, heading) = target.split_once('#').map_or((target, None), |(file, heading)| (file, Some(heading)));
    let folder = document.parent().unwrap_or(Path::new(""));
    let file = if file.is_empty() { document.to_owned() } else { plain(&folder.join(file)) };
    let there = root().join(&file);
    let about = |what: &str| Some(format!("{}: {target}: {what}", document.display()));
    if !there.exists() {
        return about("there is no such file");
    }
    if document.starts_with("docs") && !file.starts_with("docs") {
        return about("the book has nothing outside docs; write the path as code");
    }
    let heading = heading?;
    let has = has_extension(&file, &["md"]) && anchors(&read(&file)).contains(heading);
    if has { None } else { about("there is no such heading") }
}

#[test]
fn every_link_leads_somewhere() {
    let mut faults = Vec::new();
    for document in documents() {
        let text = read(&document);
        let links = prose(&text).flat_map(targets);
        faults.extend(links.filter_map(|target| fault(&document, &target)));
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn links_that_lead_nowhere_are_found() {
    let readme = Path::new("README.md");
    assert!(fault(readme, "docs/none.md").is_some() && fault(readme, "docs/gpu.md#none").is_some());
    assert!(fault(Path::new("docs/gpu.md"), "../README.md").is_some());
    assert_eq!(fault(readme, "https://example.com"), None);
    assert_eq!(targets("a [b](c.md), `[d](e)` and ![`f`](g.png#h)"), ["c.md", "g.png#h"]);
    assert_eq!(anchor(" The score `likelihood`, K = 32"), "the-score-likelihood-k--32");
}

#[test]
fn every_page_is_in_the_summary() {
    let summary = read("docs/SUMMARY.md");
    let linked: BTreeSet<String> = prose(&summary).flat_map(targets).collect();
    let pages = documents().into_iter().filter_map(|path| path.strip_prefix("docs").ok().map(Path::to_owned));
    let missing: Vec<_> =
        pages.filter(|page| page != Path::new("SUMMARY.md") && !linked.contains(&*page.to_string_lossy())).collect();
    assert!(missing.is_empty(), "docs/SUMMARY.md does not have {missing:?}");
}
