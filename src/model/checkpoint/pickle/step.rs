//! What a step of reading a pickle gives.

/// A step's value, or what is wrong in words; the reader adds the byte where it is.
pub(super) type Step<T> = Result<T, String>;
