//! Files appear whole or not at all, one alone or several together.
//!
//! What is being written stands beside its target as `.NAME.tmpXXXXXX`, locked while its writer lives. A temporary whose
//! lock can be taken was left by a writer that was ended; the next one of the same target removes it.

#[cfg(test)]
pub(crate) mod failing;
mod folder;
mod new_folder;
mod step;
mod temporary;
#[cfg(test)]
mod tests;
mod together;
mod whole;

pub use folder::{make_folder, remove, rename, sync_folder};
pub use new_folder::NewFolder;
pub use temporary::{Temporary, temporary_path, unfinished};
pub use together::{Together, remove_broken_off};
pub use whole::{check_target, write_text, write_whole};

/// Lower-case hexadecimal, as hashes are written.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}
