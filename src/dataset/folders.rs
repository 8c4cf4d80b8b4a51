//! Names in a folder, and what the name of a folder means.

use std::path::Path;

use super::error::DatasetError;

/// Names in `folder`, sorted; those that start with a dot are left out, and one that is not UTF-8 is left out with a
/// warning.
pub fn names(folder: &Path) -> Result<Vec<String>, DatasetError> {
    let failed = |source| DatasetError::Open { path: folder.into(), source };
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        match entry.map_err(failed)?.file_name().into_string() {
            Ok(name) if name.starts_with('.') => {}
            Ok(name) => names.push(name),
            Err(name) => log::warn!("{}: passed over {name:?}, a name that is not UTF-8: rename it", folder.display()),
        }
    }
    names.sort();
    Ok(names)
}

/// Names of the folders in `folder`, sorted.
pub fn folders(folder: &Path) -> Result<Vec<String>, DatasetError> {
    Ok(names(folder)?.into_iter().filter(|name| folder.join(name).is_dir()).collect())
}

/// Whether a folder of this name holds good frames, not those of a defect.
pub fn is_good(name: &str) -> bool {
    name.eq_ignore_ascii_case("good")
}
