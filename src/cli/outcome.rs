//! How a command ends that did not fail.

/// What a command came to: its exit code is 0, or 1 where something was rejected.
pub enum Outcome {
    Done,
    Rejected,
}
