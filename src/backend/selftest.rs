//! The report of a back end's self-test, and the golden frames whose results a back end must reproduce.

use std::io::Read;
use std::path::{Path, PathBuf};

use safetensors::SafeTensors;
use serde::Serialize;
use thiserror::Error;

use super::{AnomalyMaps, BackendError};
use crate::model::{Architecture, Variant};
use crate::prepare::{DEVIATION, MEAN};
use crate::shapes::{P, RGB};

/// The largest golden file that is read, in bytes: far larger than a frame of tests/golden.
const GOLDEN_BYTES_MAX: u64 = 16 << 20;

#[derive(Debug, Error)]
pub enum SelftestError {
    #[error(transparent)]
    Backend(#[from] BackendError),
    #[error("cannot read {}: {reason}; give an inference file of tests/golden", path.display())]
    Golden { path: PathBuf, reason: String },
}

/// One comparison of computed values with expected ones.
#[derive(Clone, Debug, Serialize)]
pub struct Check {
    pub what: String,
    /// The kernels that computed the values.
    pub kernels: String,
    /// What computed the expected values.
    pub twin: &'static str,
    /// If the bound is zero, the number of values that differ; else the largest difference, relative to the largest
    /// value.
    pub error: f64,
    pub bound: f64,
}

impl Check {
    /// Whether the error is within its bound. NaN is not.
    pub fn passes(&self) -> bool {
        self.error <= self.bound
    }
}

/// How long a kernel's launches took.
#[derive(Clone, Debug, Serialize)]
pub struct KernelTime {
    pub kernel: &'static str,
    pub launches: usize,
    pub median_us: f32,
}

#[derive(Clone, Debug, Serialize)]
pub struct Report {
    pub device: String,
    pub checks: Vec<Check>,
    /// The kernels' times, measured over the repetitions.
    pub times: Vec<KernelTime>,
    /// What could not be tested, and why.
    pub notes: Vec<String>,
}

impl Report {
    pub fn passes(&self) -> bool {
        self.checks.iter().all(Check::passes)
    }
}

/// A frame with the published method's results (tests/golden/README.md).
pub struct Golden {
    pub name: String,
    pub architecture: Architecture,
    pub weight_seed: u64,
    /// Normalised, `[3, H, W]`.
    pub rgb: Vec<f32>,
    /// `[P]`.
    pub cloud: Vec<[f32; 3]>,
    pub centre_index: Vec<usize>,
    pub maps: AnomalyMaps,
}

impl Golden {
    pub fn read(path: &Path) -> Result<Self, SelftestError> {
        let refused = |reason: String| SelftestError::Golden { path: path.into(), reason };
        let mut bytes = Vec::new();
        let file = std::fs::File::open(path).map_err(|error| refused(error.to_string()))?;
        let read = file.take(GOLDEN_BYTES_MAX + 1).read_to_end(&mut bytes);
        match read {
            Err(error) => return Err(refused(error.to_string())),
            Ok(count) if count as u64 > GOLDEN_BYTES_MAX => {
                return Err(refused(format!("it has more than {GOLDEN_BYTES_MAX} bytes")));
            }
            Ok(_) => {}
        }
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        Self::parse(name, &bytes).map_err(refused)
    }

    fn parse(name: String, bytes: &[u8]) -> Result<Self, String> {
        let (_, header) = SafeTensors::read_metadata(bytes).map_err(|error| error.to_string())?;
        let file = SafeTensors::deserialize(bytes).map_err(|error| error.to_string())?;
        let number = |key: &str| -> Result<u64, String> {
            let text = header.metadata().as_ref().and_then(|all| all.get(key));
            text.and_then(|text| text.parse().ok()).ok_or_else(|| format!("its metadata has no valid {key}"))
        };
        let raw = |tensor: &str, count: usize| -> Result<Vec<u8>, String> {
            let found = file.tensor(tensor).map_err(|error| error.to_string())?;
            let data = found.data();
            if data.len() == count {
                Ok(data.to_vec())
            } else {
                Err(format!("{tensor} has {} bytes where {count} are expected", data.len()))
            }
        };
        let floats = |tensor: &str, count: usize| -> Result<Vec<f32>, String> {
            Ok(raw(tensor, 4 * count)?.as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect())
        };
        let variant = match number("layers")? {
            1 => Variant::Tiny,
            4 => Variant::Small,
            8 => Variant::Medium,
            12 => Variant::Full,
            layers => return Err(format!("no engine has {layers} layers")),
        };
        let architecture = Architecture::published(variant, number("group_size")? as usize);
        architecture.check()?;
        let image = raw("rgb", RGB * P)?;
        let normalised = |channel: usize, pixel: usize| {
            (f32::from(image[pixel * RGB + channel]) / 255.0 - MEAN[channel]) / DEVIATION[channel]
        };
        let index = raw("fps_idx", 4 * architecture.xyz.groups)?;
        Ok(Self {
            name,
            weight_seed: number("weight_seed")?,
            rgb: (0..RGB).flat_map(|c| (0..P).map(move |p| (c, p))).map(|(c, p)| normalised(c, p)).collect(),
            cloud: floats("xyz", 3 * P)?.as_chunks::<3>().0.to_vec(),
            centre_index: index.as_chunks::<4>().0.iter().map(|b| u32::from_le_bytes(*b) as usize).collect(),
            maps: AnomalyMaps {
                psi_rgb: floats("psi_rgb", P)?,
                psi_xyz: floats("psi_xyz", P)?,
                anomaly_map: floats("anomaly_map", P)?,
                valid: raw("valid", P)?.iter().map(|v| *v != 0).collect(),
            },
            architecture,
        })
    }
}
