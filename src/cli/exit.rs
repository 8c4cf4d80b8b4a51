//! How a command ends that did not fail.

/// The result of a command, which gives its exit code.
pub enum Exit {
    /// Exit code 0: everything passed, or there was nothing to judge.
    Done,
    /// Exit code 1: something was rejected, differs from what was expected, or must be fixed.
    Rejected,
}
