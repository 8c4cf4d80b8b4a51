//! Replaces TensorRT in a program that was built without it. The networks run where the CUDA back end runs them, and
//! the functions for plans return [`BackendError::NoTensorRt`].

pub use super::cuda::{inspector, run_selftest};
use super::error::BackendError;
use super::evaluation::Evaluation;
use super::plans::{Facts, Report, Request, Verdict};
use super::stages::Backend;

pub(super) mod error {
    /// The errors of TensorRT. There are none in this program.
    #[derive(Debug, thiserror::Error, PartialEq)]
    pub enum TensorRtError {}
}

pub fn installed() -> Result<Vec<String>, BackendError> {
    Err(BackendError::NoTensorRt)
}

pub fn build_plans(_: &Request<'_>, _: Report<'_>) -> Result<Vec<Facts>, BackendError> {
    Err(BackendError::NoTensorRt)
}

pub fn open_unchecked(_: &Request<'_>, _: Evaluation) -> Result<Box<dyn Backend + Send>, BackendError> {
    Err(BackendError::NoTensorRt)
}

pub fn open_kernels(_: &Request<'_>, _: Evaluation) -> Result<Box<dyn Backend + Send>, BackendError> {
    Err(BackendError::NoTensorRt)
}

pub fn keep_verdict(_: &Request<'_>, _: &Verdict) -> Result<(), BackendError> {
    Err(BackendError::NoTensorRt)
}
