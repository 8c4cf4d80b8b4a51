//! The whole station in one process: every part gets its verdict, and no failure lets a part pass.

mod each;
mod failing;
mod judging;
mod reloading;
