//! The published method, from the frame to the score: against golden data and the literal twin, and on scenes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by a panic")]

#[path = "../support/allocations.rs"]
mod allocations;
#[path = "../support/mod.rs"]
mod support;

mod finding;
mod gap;
mod gaps;
mod golden;
mod metrics;
mod preprocess;
mod registration;
mod scene;
mod solids;
mod training;
mod twin;
mod variety;
