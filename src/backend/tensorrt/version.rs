//! Versions of TensorRT.

use std::fmt;

/// A version in TensorRT's numbering: 100304 is 10.3.4.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Version(pub i32);

impl Version {
    pub fn major(self) -> i32 {
        self.0 / 10_000
    }

    /// Whether the classes of both versions have the same layout, which patch releases do not change.
    pub fn fits(self, other: Self) -> bool {
        self.0 / 100 == other.0 / 100
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.0 / 10_000, self.0 / 100 % 100, self.0 % 100)
    }
}
