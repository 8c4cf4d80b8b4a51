//! The trace: one row of an SQLite file for every part that was announced, with what it was called, how it was judged, and
//! what became of it.
//!
//! ```text
//! capture, inspection --messages--> writer: joiner -> store -> file
//! ```
//!
//! The station's threads hand messages of one size through bounded queues, and neither wait nor allocate. A thread of low
//! priority joins the messages of each part, and writes what is new several times a second, each time as one transaction.
//! What was lost on this way is counted, and recorded in the file.

mod cell;
mod channel;
mod charts;
mod ending;
mod error;
mod export;
mod hooks;
mod joiner;
mod message;
mod pending;
mod row;
mod schema;
mod store;
#[cfg(test)]
mod tests;
mod writer;

pub use charts::{Chart, Charts, Span};
pub use ending::Ending;
pub use error::TraceError;
pub use export::{Query, Reader, What};
pub use hooks::Hooks;
pub use schema::check;
pub use store::StoreOptions;
pub use writer::{Trace, TraceOptions};
