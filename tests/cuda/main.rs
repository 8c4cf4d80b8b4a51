//! The CUDA kernels, compiled by g++ and run on the CPU (`ci/cuda/host/cuda_host.h`), against their Rust twins.
//!
//! Without g++ nothing runs, and each test reports it. `ci/cuda/check_kernels.py` runs this program alone, under a
//! sanitizer and on kernels with faults: `CUDA_HOST_KERNELS` names another folder of kernels, `CUDA_HOST_FLAGS` more flags
//! for the compiler.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by a panic")]

#[path = "../support/mod.rs"]
mod support;

mod anomaly;
mod attention;
mod components;
mod fit;
mod frame;
mod group_encoder;
mod grouping;
mod host;
mod interpolate;
mod likelihood;
mod mapping;
mod misuse;
mod norm;
mod prepare;
mod products;
mod registration;
