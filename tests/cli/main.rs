//! The program as its users run it: exit codes, what is printed, and which files are there afterwards.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by a panic")]

mod documents;
mod program;
#[path = "../support/mod.rs"]
mod support;

mod auditing;
mod broken;
mod calibrating;
mod cameras;
mod configuring;
mod counting;
mod default_engine;
mod doctor;
mod durable;
mod evaluating;
mod importing;
mod inspecting;
mod learning;
mod manners;
mod people;
mod readme;
mod refusals;
mod reviewing;
mod revising;
mod saying;
mod scenes;
mod signing;
mod station;
mod teaching;
mod tracing;
mod walking;
