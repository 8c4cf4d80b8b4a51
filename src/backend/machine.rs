//! The machine that runs the method: the user's choice, and what each machine offers.

use super::cpu::training::CpuLearner;
use super::cpu::{CpuBackend, CpuNetworks};
use super::error::BackendError;
use super::evaluation::Evaluation;
use super::learner::Learner;
use super::stages::{Backend, Describe};
use super::{cuda, tensorrt};
use crate::backend::arithmetic::Arithmetic;
use crate::calibration::assembly::OpenRegistrar;
use crate::model::{Architecture, MappingWeights, Score, Weights};

/// The machine that a user asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Choice {
    /// The CPU, even if there is a GPU: the kernels have not been measured on one yet.
    #[default]
    Auto,
    /// The CPU.
    Cpu,
    /// An NVIDIA GPU; an error where the crate was built without `cuda`, or there is none.
    Cuda,
}

crate::words::words!(serde Choice {
    Auto = "auto",
    Cpu = "cpu",
    Cuda = "cuda",
});

impl Choice {
    /// The machine that this choice selects.
    #[doc(hidden)]
    pub fn machine(self) -> Machine {
        match self {
            Self::Auto | Self::Cpu => Machine::Cpu,
            Self::Cuda => Machine::Cuda,
        }
    }
}

/// A machine that runs the method. A program that was built without CUDA refuses to open anything on a GPU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Machine {
    Cpu,
    Cuda,
}

impl Machine {
    pub fn name(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            Self::Cuda => "cuda",
        }
    }

    /// Opens the whole method. `weights` are those of a fitted engine; others are refused
    /// ([`BackendError::NotFitted`]).
    pub fn inspector(
        self,
        architecture: &Architecture,
        weights: Weights,
        evaluation: Evaluation,
    ) -> Result<Box<dyn Backend + Send>, BackendError> {
        if !weights.is_fitted() {
            return Err(BackendError::NotFitted);
        }
        match self {
            Self::Cpu => Ok(Box::new(CpuBackend::with_evaluation(architecture, weights, evaluation))),
            Self::Cuda => tensorrt::inspector(architecture, weights, evaluation),
        }
    }

    /// Opens the networks alone, which compute the features of frames. `weights` may lack the mappings.
    pub fn describer(
        self,
        architecture: &Architecture,
        weights: Weights,
    ) -> Result<Box<dyn Describe + Send>, BackendError> {
        match self {
            Self::Cpu => Ok(Box::new(CpuNetworks::new(architecture, &mut weights.into_tensors(), Arithmetic::F32))),
            Self::Cuda => cuda::describer(architecture, weights),
        }
    }

    /// The machine that learns the mappings of a score for this one: a GPU learns those of the paper's product only.
    pub fn learning(self, score: Score) -> Self {
        match score {
            Score::Product => self,
            Score::Likelihood => Self::Cpu,
        }
    }

    /// Whether this machine can compute features and learn the mappings of a score; the error names what it lacks.
    pub fn check_fit(self, score: Score) -> Result<(), BackendError> {
        match (self, self.learning(score)) {
            (Self::Cpu, _) => Ok(()),
            (Self::Cuda, Self::Cpu) => cuda::check_gpu(),
            (Self::Cuda, Self::Cuda) => cuda::check_learner(),
        }
    }

    /// Opens both mappings for learning, on the machine of [`Self::learning`]. `weights` are the initial ones: every tensor of
    /// [`Architecture::mapping_tensors`].
    pub fn learner(
        self,
        architecture: &Architecture,
        weights: MappingWeights,
    ) -> Result<Box<dyn Learner>, BackendError> {
        match self.learning(architecture.score) {
            Self::Cpu => Ok(Box::new(CpuLearner::new(architecture, weights))),
            Self::Cuda => cuda::learner(architecture, weights),
        }
    }

    /// The function that opens the registration of depth to colour on this machine; none if the CPU registers depth.
    pub fn registrar(self) -> Option<OpenRegistrar> {
        match self {
            Self::Cpu => None,
            Self::Cuda => cuda::REGISTRAR,
        }
    }
}
