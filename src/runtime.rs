//! The station at work.

pub mod finder;
pub mod judgement;
pub mod matching;
pub mod metrics;
pub mod recorder;
pub mod watchdog;
