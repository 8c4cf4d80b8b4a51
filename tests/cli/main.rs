//! The program as its users run it: exit codes, what is printed, and which files are there afterwards.

#[path = "../common/part.rs"]
#[allow(dead_code, reason = "each test program uses its own part")]
mod part;
mod program;

mod broken;
mod calibrating;
mod evaluating;
mod inspecting;
mod learning;
mod refusals;
mod station;
