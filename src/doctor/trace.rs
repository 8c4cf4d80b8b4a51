//! Checks the file of the trace that a configuration names.

use std::path::Path;

use super::finding::Finding;
use super::space::{owned, room, writable};
use crate::config::trace::Trace;
use crate::trace;

/// What a part takes in the file (docs/station/trace.md).
const BYTES_PER_PART: u64 = 200;

pub fn examine(config: &Trace) -> Finding {
    let name = "trace";
    let path = std::path::absolute(&config.file).unwrap_or_else(|_| config.file.clone());
    // The station begins a trace in an empty file.
    let is_there = std::fs::metadata(&path).is_ok_and(|file| file.len() > 0);
    if is_there && let Err(error) = trace::check(&path) {
        return Finding::error(name, error.to_string(), "name another file in trace.file, or move this one away");
    }
    let folder = path.parent().unwrap_or(Path::new("/"));
    let there = match writable(folder, "trace.file", name) {
        Ok(there) => there,
        Err(finding) => return *finding,
    };
    if is_there && let Err(finding) = owned(&path, name) {
        return *finding;
    }
    let (wanted, parts) = (BYTES_PER_PART * config.parts_max, config.parts_max);
    let left = wanted.saturating_sub(std::fs::metadata(&path).map_or(0, |file| file.len()));
    let wants = format!("trace.parts_max = {parts} takes about {} MB", wanted >> 20);
    room(there, left, name, &wants, "trace.parts_max")
}
