//! The program as its users run it: exit codes, what is printed, and which files are there afterwards.

#[path = "../common/part.rs"]
#[allow(dead_code, reason = "each test program uses its own part")]
mod part;
mod program;
#[path = "../common/small_engine.rs"]
mod small_engine;

mod broken;
mod calibrating;
mod cameras;
mod configuring;
mod evaluating;
mod importing;
mod inspecting;
mod learning;
mod refusals;
mod saying;
mod scenes;
mod signing;
mod station;
mod walking;
