//! Errors of TensorRT and of its plans.

use std::path::PathBuf;

use thiserror::Error;

use super::version::Version;

#[derive(Debug, Error, PartialEq)]
pub enum TensorRtError {
    #[error(
        "this program was built without TensorRT's headers: set TRT_INCLUDE_DIR (or TRT_RTX_INCLUDE_DIR for TensorRT-RTX) and build it again with --features tensorrt"
    )]
    NoHeaders,
    #[error(
        "{file} cannot be used: {reason}; install the version this program was built for, or name its folder in LD_LIBRARY_PATH"
    )]
    Missing { file: String, reason: String },
    #[error(
        "{file} has version {version}, but this program was built with the headers of {headers}: install that version, or build the program with the library's own headers"
    )]
    Version { file: String, version: Version, headers: Version },
    #[error(
        "{library} does not build for {target}: TensorRT builds for the GPU at hand (--target this), TensorRT-RTX for sm80, sm86, sm89 and sm120"
    )]
    Target { library: &'static str, target: String },
    #[error(
        "{library} cannot be started: {reason}; check that all its files have one version, and that enough memory is free"
    )]
    Begin { library: String, reason: String },
    #[error("TensorRT cannot read the graph {graph}: {reason}; TensorRT 10.3 or later is expected")]
    Parse { graph: &'static str, reason: String },
    #[error(
        "TensorRT cannot build the plan of {graph} for {target}: {reason}; check the free memory, and the log with RUST_LOG=debug"
    )]
    Build { graph: &'static str, target: String, reason: String },
    #[error("the build was stopped")]
    Stopped,
    #[error(
        "{asked} is not installed, or this program was built without its headers; install it, build the program with its headers, or take another --library"
    )]
    NoLibrary { asked: &'static str },
    #[error("no graphs can be written for TensorRT: {0}")]
    Graphs(String),
    #[error("this engine has no plans for this GPU: build them with `crosscheck engine build --target this`")]
    NoPlans,
    #[error(
        "the engine's M, C_RGB and C_XYZ are {sizes:?} where multiples of {multiple} are expected, as the kernels beside TensorRT's plans pad them: run the networks on the CPU"
    )]
    Size { multiple: usize, sizes: [usize; 3] },
    #[error(
        "the plan of {graph} cannot be used: {reason}; build it again with `crosscheck engine build --target this`"
    )]
    Plan { graph: &'static str, reason: String },
    #[error("the plan of {graph} did not run: {reason}; check the GPU's memory, and the system's log for Xid messages")]
    Run { graph: &'static str, reason: String },
    #[error("there is no folder for plans: set HOME, or name one with --cache")]
    NoFolder,
    #[error("plans are code, and those in {} are not used: {reason} (--cache DIR)", folder.display())]
    Untrusted { folder: PathBuf, reason: String },
    #[error("cannot read the plan {}: {reason}; check its permissions, or delete the file", path.display())]
    Read { path: PathBuf, reason: String },
    #[error("cannot write the plan {}: {reason}; check permissions and free space, or name another folder with --cache", path.display())]
    Write { path: PathBuf, reason: String },
}
