//! The files that the program reads and writes: frames, checkpoints, engines and their signatures, good and bad.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by a panic")]

#[path = "../support/allocations.rs"]
mod allocations;
#[path = "../support/mod.rs"]
mod support;

mod checkpoint;
mod engine_file;
mod readers;
mod signature;
