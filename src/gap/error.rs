use thiserror::Error;

/// Why the gap check of an engine file cannot be used.
#[derive(Clone, Debug, Error, PartialEq)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the messages name the fields")]
pub enum GapError {
    /// The engine file has another number of pixels.
    #[error("the map of where good parts have points holds {found} values where {expected} are expected: fit again")]
    Length { found: usize, expected: usize },
    /// The engine file has a value that no fit writes.
    #[error(
        "the map of where good parts have points holds {0} where a whole number from 0 to 255 is expected: fit again"
    )]
    Value(f32),
}
