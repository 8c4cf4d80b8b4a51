//! What the test programs share. `allocations.rs` is not listed, as a program that includes it gets its allocator; nor is
//! `reject_plan.rs`, for programs that need nothing else.
#![allow(dead_code, reason = "each test program uses some of it")]

pub mod client;
pub mod clouds;
pub mod golden;
pub mod kernel_library;
pub mod largest;
pub mod line;
pub mod part;
pub mod plant;
pub mod reference;
pub mod scenes;
pub mod small_engine;
pub mod worst;
