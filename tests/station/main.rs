//! The whole station in one process: every part gets its verdict, and whatever fails lets none pass.

mod line;
#[path = "../common/part.rs"]
#[allow(dead_code, reason = "each test program uses its own part")]
mod part;
mod plant;
#[path = "../common/small_engine.rs"]
mod small_engine;

mod each;
mod failing;
mod judging;
mod reloading;
