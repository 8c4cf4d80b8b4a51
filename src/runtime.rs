//! The station at work.

pub mod finder;
pub mod matching;
pub mod metrics;
