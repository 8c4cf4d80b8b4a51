//! Checks the audit and the accounts that a configuration names.

use std::path::Path;

use super::finding::Finding;
use super::space::{owned, room, writable};
use crate::audit::{self, VerifyError};
use crate::config::audit::Audit;
use crate::people::Accounts;

/// What an entry takes in the file, with its place in the index, and the size at which a file deserves a look: some six
/// million entries.
const BYTES_PER_ENTRY: u64 = 170;
const LARGE_BYTES: u64 = 1 << 30;
/// Room that is wanted.
const ENTRIES: u64 = 100_000;

pub fn examine(config: &Audit) -> Finding {
    let name = "audit";
    let path = std::path::absolute(&config.file).unwrap_or_else(|_| config.file.clone());
    let bytes = std::fs::metadata(&path).map_or(0, |file| file.len());
    // The station begins an audit in an empty file.
    if bytes > 0 {
        match audit::verify(&path, None) {
            Ok(_) => {}
            Err(error @ VerifyError::Misfit { .. }) => {
                let fix = "find out who changed the file; `crosscheck audit` prints it, and a copy shows what it was";
                return Finding::warning(name, error.to_string(), fix);
            }
            Err(VerifyError::File(error)) => {
                return Finding::error(
                    name,
                    error.to_string(),
                    "name another file in audit.file, or move this one away",
                );
            }
        }
    }
    let folder = path.parent().unwrap_or(Path::new("/"));
    let there = match writable(folder, "audit.file", name) {
        Ok(there) => there,
        Err(finding) => return *finding,
    };
    if bytes > 0
        && let Err(finding) = owned(&path, name)
    {
        return *finding;
    }
    if bytes > LARGE_BYTES {
        let fix = "look for a machine that asks for something again and again; then stop the station and move the file \
                   with those that begin with its name to an archive: the station begins another one";
        return Finding::warning(
            name,
            format!("{} has {} MB, and is never shortened", path.display(), bytes >> 20),
            fix,
        );
    }
    room(there, BYTES_PER_ENTRY * ENTRIES, name, "audit.file takes about 17 MB for 100,000 entries", "audit.file")
}

pub fn accounts(path: &Path) -> Finding {
    let name = "view.accounts";
    let accounts = match Accounts::read(path) {
        Ok(accounts) => accounts,
        Err(error) => return Finding::error(name, error.to_string(), "correct the file, or view.accounts"),
    };
    match Accounts::exposure(path) {
        Some(exposure) => Finding::warning(name, exposure, format!("chmod 640 {}", path.display())),
        None => Finding::ok(name, format!("{} accounts in {}", accounts.all().len(), path.display())),
    }
}
