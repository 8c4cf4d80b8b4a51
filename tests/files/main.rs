//! The files that the program reads and writes: frames, checkpoints, engines and their signatures, good and bad.

#[path = "../support/allocations.rs"]
mod allocations;
#[path = "../support/mod.rs"]
mod support;

mod checkpoint;
mod engine_file;
mod readers;
mod signature;
