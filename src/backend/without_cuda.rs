//! Replaces the CUDA back end in a program that was built without it: every function returns
//! [`BackendError::NotBuilt`].

use super::error::BackendError;
use super::evaluation::Evaluation;
use super::gpu_report::GpuReport;
use super::learner::Learner;
use super::selftest::{Golden, Report};
use super::stages::{Backend, Describe};
use crate::calibration::assembly::OpenRegistrar;
use crate::model::{Architecture, MappingWeights, Weights};

pub(super) mod error {
    /// The errors of a GPU. There are none in this program.
    #[derive(Debug, thiserror::Error, PartialEq)]
    pub enum CudaError {}
}

pub const REGISTRAR: Option<OpenRegistrar> = None;

pub fn inspector(_: &Architecture, _: Weights, _: Evaluation) -> Result<Box<dyn Backend + Send>, BackendError> {
    Err(BackendError::NotBuilt)
}

pub fn describer(_: &Architecture, _: Weights) -> Result<Box<dyn Describe + Send>, BackendError> {
    Err(BackendError::NotBuilt)
}

pub fn check_gpu() -> Result<(), BackendError> {
    Err(BackendError::NotBuilt)
}

pub fn check_learner() -> Result<(), BackendError> {
    Err(BackendError::NotBuilt)
}

pub fn learner(_: &Architecture, _: MappingWeights) -> Result<Box<dyn Learner>, BackendError> {
    Err(BackendError::NotBuilt)
}

pub fn examine() -> Result<GpuReport, BackendError> {
    Err(BackendError::NotBuilt)
}

pub fn run_selftest(_: &[Golden], _: usize, _: &mut dyn FnMut(&Report)) -> Result<Report, BackendError> {
    Err(BackendError::NotBuilt)
}
