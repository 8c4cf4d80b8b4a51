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
        "{file} is version {version}, the headers of this program are of {headers}: install that version, or build the program with the library's own headers"
    )]
    Version { file: String, version: Version, headers: Version },
    #[error(
        "{library} does not build for {target}: TensorRT builds for the GPU at hand (--target this), TensorRT-RTX for sm80, sm86, sm89 and sm120"
    )]
    Target { library: &'static str, target: String },
    #[error("{library} cannot begin: {reason}; check that its files are of one version, and the memory that is left")]
    Begin { library: String, reason: String },
    #[error("TensorRT does not take the graph {graph}: {reason}; TensorRT 10.3 or later is expected")]
    Parse { graph: &'static str, reason: String },
    #[error("TensorRT builds no plan of {graph} for {target}: {reason}; check memory, and the log with RUST_LOG=debug")]
    Build { graph: &'static str, target: String, reason: String },
    #[error("the build was stopped")]
    Stopped,
    #[error("{asked} is not here: install it, or build this program with its headers, or take another --library")]
    NoLibrary { asked: &'static str },
    #[error("no graphs can be written for TensorRT: {0}")]
    Graphs(String),
    #[error(
        "the plans of this engine for this GPU are not there: make them with `crosscheck engine build --target this`"
    )]
    NoPlans,
    #[error(
        "the engine's sizes are odd ({0}), which the kernels between TensorRT's plans do not take: use the cpu's networks"
    )]
    Odd(String),
    #[error(
        "the plan of {graph} cannot be used: {reason}; build it again with `crosscheck engine build --target this`"
    )]
    Plan { graph: &'static str, reason: String },
    #[error("the plan of {graph} did not run: {reason}; check the GPU's memory, and the kernel's log for Xid")]
    Run { graph: &'static str, reason: String },
    #[error("there is no folder for plans: set HOME, or name one with --cache")]
    NoFolder,
    #[error("plans are code, and those in {} are not used: {reason} (--cache DIR)", folder.display())]
    Untrusted { folder: PathBuf, reason: String },
    #[error("cannot read the plan {}: {reason}; check its rights, or take the file away", path.display())]
    Read { path: PathBuf, reason: String },
    #[error("cannot write the plan {}: {reason}; check rights and room, or name another folder with --cache", path.display())]
    Write { path: PathBuf, reason: String },
}
