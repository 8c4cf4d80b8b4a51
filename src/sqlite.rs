//! SQLite files that a station writes: told from those of other programs, held by one station, read meanwhile, and printed
//! as CSV.

mod error;
mod file;
mod kind;
mod lock;
mod table;

pub use error::SqliteError;
pub use kind::Kind;
pub use lock::{Lock, is_locked};
pub use table::{Filter, write_csv};
