//! One entry, before it is written.

use crate::action::By;

/// Longest text of an entry; a longer one is cut. Texts may repeat what clients sent.
const TEXT_BYTES_MAX: usize = 2000;

/// What was done, or asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// The station began to run.
    Start,
    Stop,
    Reload,
    Threshold,
    /// Another engine judges.
    Engine,
    Recipe,
    Hold,
    Acknowledge,
    /// Parts are collected to learn from, or no longer.
    Teach,
    /// A person has said what a recorded part is.
    Review,
    LogIn,
    LogOut,
}

crate::words::words!(What {
    Start = "start",
    Stop = "stop",
    Reload = "reload",
    Threshold = "threshold",
    Engine = "engine",
    Recipe = "recipe",
    Hold = "hold",
    Acknowledge = "acknowledge",
    Teach = "teach",
    Review = "review",
    LogIn = "login",
    LogOut = "logout",
});

#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    pub by: By,
    pub what: What,
    /// From what and to what; empty where there is nothing to tell.
    pub before: String,
    pub after: String,
    /// `done`, or why not.
    pub outcome: String,
}

/// The outcome of what was done.
pub const DONE: &str = "done";

impl Entry {
    /// Of what was done, where that is all there is to tell of its outcome.
    pub fn done(by: By, what: What, before: String, after: String) -> Self {
        Self { by, what, before, after, outcome: DONE.into() }
    }
}

/// The beginning of a text that is too long.
pub fn cut(text: &str) -> &str {
    &text[..text.floor_char_boundary(TEXT_BYTES_MAX)]
}
