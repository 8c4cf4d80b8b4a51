//! Turns dicts within dicts, as training runs save them, into one list of names: `state_dict/module.norm.weight`.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::contents::NAME_BYTES_MAX;
use super::pickle::{Id, Pickle, Value};

/// Separates a dict's key from a key in that dict; in the weights' own names the separator is a point.
pub(super) const DICT: char = '/';
/// Most levels of dicts within dicts.
const DEPTH_MAX: usize = 4;

/// Every value in the root's dicts that is not a dict itself, with its name, which is made of the keys on the way to
/// it. A dict that is there twice is visited once, on its shortest way, so that a cycle has an end. Keys that are not
/// text are left out, and so are names that are too long.
pub(super) fn leaves(pickle: &Pickle) -> Vec<(String, Id)> {
    let mut found = Vec::new();
    let (mut seen, mut next) = (BTreeSet::from([pickle.root]), VecDeque::from([(pickle.root, String::new(), 1)]));
    while let Some((dict, way, depth)) = next.pop_front() {
        let Value::Dict(items) = pickle.value(dict) else { continue };
        // Of equal keys the last counts.
        let named = items.iter().filter_map(|(key, value)| Some((pickle.text(*key)?, *value)));
        let named: BTreeMap<&str, Id> = named.filter(|(key, _)| way.len() + key.len() < NAME_BYTES_MAX).collect();
        for (key, value) in named {
            if !matches!(pickle.value(value), Value::Dict(_)) {
                found.push((format!("{way}{key}"), value));
            } else if depth < DEPTH_MAX && seen.insert(value) {
                next.push_back((value, format!("{way}{key}{DICT}"), depth + 1));
            }
        }
    }
    found
}
