//! The program as a real systemd service with a simulated GPIO chip as trigger, encoder, ejector and photo-eye.
//! `run.sh` boots a virtual machine and runs `guest` inside it; without it, only the configurations are checked.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by a panic")]

#[path = "../../tests/support/mod.rs"]
mod support;

mod belt;
mod chip;
mod guest;
mod host;
mod package;
mod service;
#[cfg(feature = "v4l")]
mod vivid;
