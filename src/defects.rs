//! What was found on a part that did not pass, and where: the areas of its anomaly map above the limit, each with its
//! outline, its place, its size, its height and its kind.
//!
//! The kind follows from both distances and from the outline. Where the colour is unlike any that good parts have, the
//! distance of the colour features grows more than that of the shape features; where the shape is, the reverse; and where
//! both are usual but do not belong together, they grow alike. How much more the one is on good parts is learnt by the fit
//! ([`Metadata::balance`](crate::model::engine_file::Metadata::balance)). Nothing here changes a verdict.

mod defect;
mod finder;
mod kind;
mod outline;
mod survey;

pub use defect::{DEFECTS_MAX, Defect, Defects};
pub use finder::Finder;
pub use kind::{Balance, Kind};
pub use outline::{Outline, POINTS_MAX};
