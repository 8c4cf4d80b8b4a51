//! The whole station in one process: every part gets its verdict, and no failure lets a part pass.

mod ahead;
mod each;
mod failing;
mod judging;
mod notified;
mod recipes;
mod reloading;
mod tracing;
