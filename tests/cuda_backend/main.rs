//! The CUDA back end as it is, on a stand-in for the driver's library that runs the kernels on the CPU
//! (`ci/cuda/standin`).
//!
//! A driver's library is looked for once in a process, so each test starts this program again with the stand-in in its
//! way, for one of the parts that are ignored otherwise. Without g++ nothing runs, and each test reports it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by a panic")]

#[path = "../support/mod.rs"]
mod support;

mod fit;
mod frames;
mod misuse;
mod networks;
mod products;
mod registration;
mod selftest;
mod standin;
