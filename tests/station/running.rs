//! The whole station in one process: every part gets its verdict, and whatever fails lets none pass.

mod each;
mod failing;
mod judging;
mod reloading;
