//! What a plan depends on: plans of different keys are never taken for each other.

use serde::{Deserialize, Serialize};

use crate::backend::cuda::Gpu;

/// Graph, target, library and options of a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Key {
    pub graph: String,
    pub graph_sha256: String,
    pub target: String,
    /// The GPU that a plan for the GPU at hand was built on; none if the plan is for any GPU of a compute capability.
    pub device: Option<Device>,
    /// `tensorrt` or `tensorrt-rtx`.
    pub library: String,
    /// The version of the library.
    pub version: String,
    /// The options of the build that are not in the shim.
    pub options: String,
    /// The hash of the shim's source, which sets the other options.
    pub shim_sha256: String,
}

/// What tells GPUs and drivers apart. Jetsons with different numbers of multiprocessors have the same name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Device {
    pub name: String,
    /// The compute capability, major and minor.
    pub capability: (i32, i32),
    pub multiprocessors: i32,
    /// The CUDA version that the driver is for, major and minor.
    pub driver: (i32, i32),
}

impl From<&Gpu> for Device {
    fn from(gpu: &Gpu) -> Self {
        let Gpu { name, capability, multiprocessors, driver } = gpu.clone();
        Self { name, capability, multiprocessors, driver }
    }
}

impl Key {
    /// Why a plan of this key is not one of the key `wanted`; none if it is.
    pub fn difference(&self, wanted: &Self) -> Option<String> {
        let Self { library, version, device, options, shim_sha256, .. } = self;
        if self == wanted {
            None
        } else if *version != wanted.version {
            Some(format!("it was built by {library} {version}, not {}", wanted.version))
        } else if *device != wanted.device {
            Some(format!("it was built for another GPU or driver ({device:?})"))
        } else if (options, shim_sha256) != (&wanted.options, &wanted.shim_sha256) {
            Some("it was built with other options".into())
        } else {
            Some("it is for another graph, target or library".into())
        }
    }
}
