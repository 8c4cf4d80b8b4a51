//! The CUDA kernels, compiled by g++ and run on the CPU (`host/cuda_host.h`), against their Rust twins.
//!
//! Without g++ nothing runs, and each test says so. `CUDA_HOST_KERNELS` names another folder of kernels
//! (`plant_faults.py`), `CUDA_HOST_FLAGS` more flags for the compiler (`sanitize.sh`).

#[path = "../common/mod.rs"]
mod common;
#[path = "../reference/mod.rs"]
mod reference;

mod anomaly;
mod clouds;
mod fit;
mod frame;
mod grouping;
mod host;
mod interpolate;
mod linear;
mod mapping;
mod misuse;
mod prepare;
mod registration;
