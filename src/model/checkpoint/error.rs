//! The error of the weight files' readers.

use std::path::PathBuf;

use thiserror::Error;

/// Why a weight file is refused.
#[derive(Debug, Error)]
pub enum CheckpointError {
    #[error("cannot open {}: {source}", path.display())]
    Open { path: PathBuf, source: std::io::Error },
    #[error("cannot read {}: {source}", path.display())]
    Read { path: PathBuf, source: std::io::Error },
    #[error("{}: expected weights saved by PyTorch or as safetensors, but the file begins with {found}", path.display())]
    Kind { path: PathBuf, found: String },
    #[error("{}: {reason}; if the file should be intact, download or save it again", path.display())]
    Damaged { path: PathBuf, reason: String },
    #[error("{}: it has no tensor called {name}", path.display())]
    NoTensor { path: PathBuf, name: String },
    #[error("{}: tensor {name}: expected floating-point weights, found {found}", path.display())]
    NotWeights { path: PathBuf, name: String, found: String },
    #[error("{}: tensor {name} has the value {value} at index {place}; expected finite weights", path.display())]
    NotFinite { path: PathBuf, name: String, place: usize, value: f32 },
    #[error("{} is an engine file, which needs no import; expected weights saved by PyTorch or as safetensors", path.display())]
    Engine { path: PathBuf },
    #[error("{}: it holds {part} more than once, under {prefixes}: choose one with --prefix {name}=PREFIX", path.display())]
    Ambiguous { path: PathBuf, part: &'static str, name: &'static str, prefixes: String },
    #[error("{}: it does not hold {part}:\n{listing}", path.display())]
    Mismatch { path: PathBuf, part: &'static str, listing: String },
}
