//! Finds what a part lacks, and what it has where there should be nothing.
//!
//! Where material is missing there is no point, so the anomaly map is empty there and a hole passes unless its rim
//! looks odd. This check looks at the outline alone: at which network pixels, of P, preparation took for the part. The
//! CPU has them whichever machine prepares the frame, so it runs there.
//!
//! - Whatever the place: what closing the part by a disc adds to it, and what it encloses. Whether the camera sees the
//!   belt there or nothing makes no difference, and is not known in the network frame after preparation.
//! - By place: pixels without a point where every good part has one, and with one where none has.
//!
//! What good parts have themselves sets the limits: each is left out and compared with the others. The result is a
//! [`Gap::ratio`] and not a verdict, so that the threshold of all tests together is found on good frames, which keeps
//! the rate of false rejects; it can add to a score, and never makes one smaller.
//!
//! Areas are measured without their rims, so what is narrower than three pixels is never found. By place, nothing is
//! found within two pixels of where good parts differ, so that a slot is found filled from a width of seven pixels on.
//! Where parts lie turned by any angle, a piece that is lost beside gaps of their own, as the tooth of a gear, may
//! pass: it joins them to one so wide that the closing adds less than to a good part.
//!
//! The check by place needs parts that lie alike: at a fixed place, or turned alike in a window that follows the part
//! (`crop.follow_mm`, which moves with its middle and keeps its scale). It is left out, set by set, where good parts
//! differ too much. Parts that lie turned by any angle in such a window keep what all cover, which is right and little.
//! With the part `everything` there is no outline: a gap is a pixel without a point where good frames have some. With
//! the part `all`, loose pieces beside the part are material where good parts have none.

mod check;
mod error;
mod finder;
mod learner;
mod measure;
mod places;
#[cfg(test)]
mod tests;

pub use check::{Gap, GapCheck, GapScratch};
pub use error::GapError;
pub use learner::{GapLearner, GapModel};
pub use measure::Measure;
pub use places::Places;
