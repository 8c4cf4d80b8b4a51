//! A station without its hardware: configuration, reject schedule, the running process, and what it shows and publishes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by a panic")]

#[path = "../support/mod.rs"]
mod support;

mod collecting;
mod config;
#[cfg(feature = "mqtt")]
mod mqtt;
mod plc;
mod running;
mod schedule;
mod trace;
mod view;
