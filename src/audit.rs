//! The audit: who did what at a station, when, from what to what, and with which outcome. It is an append-only table of an
//! SQLite file, in which each entry has a hash over its content and the hash before it.
//!
//! ```text
//! station, page --entries--> writer -> store -> file
//! ```
//!
//! Whoever records an entry does not wait: a thread of low priority writes it, and syncs it to the disk. What was lost on
//! this way is counted, and the next entry that is written says how many.

mod chain;
mod entry;
mod error;
mod export;
mod schema;
mod store;
#[cfg(test)]
mod tests;
mod verify;
mod writer;

pub use entry::{DONE, Entry, What};
pub use error::AuditError;
pub use export::{Query, Reader};
pub use schema::check;
pub use verify::{Verified, VerifyError, verify};
pub use writer::{Audit, Scribe};
