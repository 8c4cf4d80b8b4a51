//! Finds the files of frames by their names: files of one frame differ in their suffix only.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use unicode_normalization::UnicodeNormalization;

use super::error::DatasetError;

/// A warning names so many of the files that are left out.
const NAMED_MAX: usize = 3;

/// The files of `folder` whose names end in one of `suffixes`, in capitals or not, by the rest of their names in
/// Unicode's composed form (NFC). Other files and folders are left out with a warning, hidden ones without. Two files
/// of one name are refused.
pub fn by_stem(folder: &Path, suffixes: &[&str]) -> Result<BTreeMap<String, PathBuf>, DatasetError> {
    let failed = |source| DatasetError::Open { path: folder.into(), source };
    let (mut found, mut others) = (BTreeMap::new(), Vec::new());
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let name = entry.map_err(failed)?.file_name();
        if name.as_encoded_bytes().starts_with(b".") {
            continue;
        }
        let path = folder.join(&name);
        let Some(stem) = name.to_str().and_then(|name| stem_of(name, suffixes)).filter(|_| !path.is_dir()) else {
            others.push(name);
            continue;
        };
        if let Some(other) = found.insert(stem, path.clone()) {
            let [first, second] = if other < path { [other, path] } else { [path, other] };
            return Err(DatasetError::Twice { first, second });
        }
    }
    if !others.is_empty() {
        others.sort();
        let told = |name: &OsString| match name.to_str() {
            Some(name) => format!("{name:?}"),
            None => format!("{name:?} (its name is not UTF-8: rename it)"),
        };
        let names = others.iter().take(NAMED_MAX).map(told).collect::<Vec<_>>().join(", ");
        let more = if others.len() > NAMED_MAX { ", ..." } else { "" };
        let (folder, count, known) = (folder.display(), others.len(), suffixes.join(", ."));
        log::warn!("{folder}: passed over {names}{more} ({count} in all): files named .{known} are expected");
    }
    Ok(found)
}

/// The name without its suffix, where that is one of `suffixes`.
fn stem_of(name: &str, suffixes: &[&str]) -> Option<String> {
    let (stem, suffix) = name.rsplit_once('.')?;
    suffixes.iter().any(|known| suffix.eq_ignore_ascii_case(known)).then(|| stem.nfc().collect())
}
