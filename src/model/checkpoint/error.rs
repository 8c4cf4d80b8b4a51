//! Why a weight file is refused.

use std::path::PathBuf;

use thiserror::Error;

#[derive(Debug, Error)]
pub enum CheckpointError {
    #[error("cannot open {}: {source}", path.display())]
    Open { path: PathBuf, source: std::io::Error },
    #[error("cannot read {}: {source}", path.display())]
    Read { path: PathBuf, source: std::io::Error },
    #[error("{}: expected weights saved by PyTorch or as safetensors, but the file begins with {found}", path.display())]
    Kind { path: PathBuf, found: String },
    #[error("{}: {reason}; if it should be sound, fetch or save it again", path.display())]
    Damaged { path: PathBuf, reason: String },
    #[error("{}: no tensor is called {name}", path.display())]
    NoTensor { path: PathBuf, name: String },
    #[error("{}: tensor {name}: expected floating-point weights, found {found}", path.display())]
    NotWeights { path: PathBuf, name: String, found: String },
    #[error("{}: tensor {name} holds {value} at place {place}; expected finite weights", path.display())]
    NotFinite { path: PathBuf, name: String, place: usize, value: f32 },
    #[error("{} is an engine, which is used as it is; expected weights saved by PyTorch or as safetensors", path.display())]
    Engine { path: PathBuf },
    #[error("{}: it holds {part} more than once, under {prefixes}: choose one with --prefix {name}=PREFIX", path.display())]
    Ambiguous { path: PathBuf, part: &'static str, name: &'static str, prefixes: String },
    #[error("{}: it does not hold {part}:\n{listing}", path.display())]
    Mismatch { path: PathBuf, part: &'static str, listing: String },
}
