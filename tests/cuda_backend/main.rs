//! Tests of the CUDA back end, unchanged, on a stand-in for the driver's library that runs the kernels on the CPU
//! (`ci/cuda/standin`).
//!
//! A process looks for the driver's library only once. So each test starts this program again with the stand-in on the
//! library path, and runs one of the tests that are otherwise ignored. Without g++ nothing runs, and each test reports
//! it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by a panic")]

#[path = "../support/mod.rs"]
mod support;

mod bench;
mod count;
mod doctor;
mod first_run;
mod fit;
mod frames;
mod kernel_networks;
mod limits;
mod misuse;
mod networks;
mod preparation;
mod products;
mod registration;
mod selftest;
mod standin;
mod threads;
