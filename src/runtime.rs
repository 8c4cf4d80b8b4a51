//! The station at work.

pub mod metrics;
