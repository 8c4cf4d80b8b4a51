//! What was found on a rejected part, and where: the areas of its anomaly map above the limit, each with its size and its
//! kind.
//!
//! The kind follows from both distances and from the outline. Where the colour is unlike any that good parts have, the
//! distance of the colour features grows more than that of the shape features; where the shape is, the reverse; and where
//! both are usual but do not belong together, they grow alike. How much more the one is on good parts is learnt by the fit
//! ([`Metadata::balance`](crate::model::engine_file::Metadata::balance)). Nothing here changes a verdict.

mod finder;
mod kind;

pub use finder::{DEFECTS_MAX, Defect, Defects, Finder};
pub use kind::{Balance, Kind};
