//! The kinds of files in the folder of plans.

/// What a file has after its header.
#[derive(Clone, Copy)]
pub enum Content {
    Plan,
    /// What TensorRT-RTX compiled of a plan (`compiled.rs`).
    Compiled,
}

impl Content {
    pub fn extension(self) -> &'static str {
        match self {
            Self::Plan => "plan",
            Self::Compiled => "compiled",
        }
    }

    /// The most that is read or written, in bytes: far more than for the largest engine, whose plan by TensorRT-RTX has
    /// 180 MB; what is compiled of it has no weights.
    pub fn bytes_max(self) -> u64 {
        match self {
            Self::Plan => 2 << 30,
            Self::Compiled => 128 << 20,
        }
    }
}
