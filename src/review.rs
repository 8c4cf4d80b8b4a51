//! Review of recorded parts: a gallery of them, their pictures, what a person says of them, and what follows from that: how
//! often good parts are rejected, what another threshold would do, and a candidate for a new one.

mod candidate;
mod error;
mod filter;
mod gallery;
mod index;
mod judged;
mod part;
mod pictures;
mod replay;
mod summary;
#[cfg(test)]
mod tests;
mod what_if;

pub use candidate::{Candidate, Rates};
pub use error::ReviewError;
pub use filter::{Filter, Found};
pub use gallery::{Gallery, Listed, PAGE_PARTS_MAX, Page};
pub use part::{MASK_BYTES_MAX, RecordedPart};
pub use pictures::{Encoded, Picture};
pub use replay::{Changed, Played, changes, play, play_if_there};
pub use summary::{Counts, FalseRejects, KindCount, Promise, Summary};
pub use what_if::{Scored, WhatIf, what_if};
