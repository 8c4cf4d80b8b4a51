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
    pub mean_us: f32,
    /// The counted time that the launches cannot go below on this GPU (docs/gpu.md), on average; none if the GPU's rates
    /// were not measured.
    pub floor_us: Option<f32>,
}

/// What bounds the kernels: clock and memory as the driver states them, and rates measured in the same run.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Rates {
    pub multiprocessors: usize,
    pub clock_ghz: f64,
    /// What the memory's clock and width allow, as the driver states them; of a Jetson they are not reliable.
    pub memory_gb_per_s: f64,
    /// Bytes read and written by a copy within the GPU's memory.
    pub copy_gb_per_s: f64,
    /// A large product by `linear_large`.
    pub product_tflop_per_s: f64,
}

/// A group of checks that ended with an error, so that some of its checks are missing.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Failure {
    pub group: String,
    pub reason: String,
}

#[derive(Clone, Debug, Default, Serialize)]
pub struct Report {
    pub device: String,
    pub checks: Vec<Check>,
    pub failures: Vec<Failure>,
    /// None if they were not measured.
    pub rates: Option<Rates>,
    /// The kernels' times, measured over the repetitions.
    pub times: Vec<KernelTime>,
    /// What could not be tested, and why.
    pub notes: Vec<String>,
}

impl Report {
    /// The report of a self-test that could not begin.
    pub fn not_begun(reason: &BackendError) -> Self {
        let failure = Failure { group: "opening the GPU".into(), reason: reason.to_string() };
        Self { failures: vec![failure], ..Self::default() }
    }

    pub fn passes(&self) -> bool {
        self.failures.is_empty() && self.checks.iter().all(Check::passes)
    }
}

/// A report that grows group by group. An error of one group does not keep the next from being tested.
pub struct Recorder<'a> {
    report: Report,
    save: &'a mut dyn FnMut(&Report),
}

impl<'a> Recorder<'a> {
    /// `save` is called with the report after every group, so that a program that is ended leaves what it found.
    pub fn new(device: String, save: &'a mut dyn FnMut(&Report)) -> Self {
        Self { report: Report { device, ..Report::default() }, save }
    }

    /// Runs a group of checks. `lacking` recognises the error of a machine that lacks what the group needs: it becomes
    /// a note, every other error a failure.
    pub fn group(
        &mut self,
        name: &str,
        lacking: impl FnOnce(&BackendError) -> bool,
        work: impl FnOnce(&mut Report) -> Result<(), BackendError>,
    ) {
        match work(&mut self.report) {
            Ok(()) => {}
            Err(error) if lacking(&error) => self.report.notes.push(format!("{name} was not tested: {error}")),
            Err(error) => {
                self.report.failures.push(Failure { group: name.into(), reason: error.to_string() });
            }
        }
        (self.save)(&self.report);
    }

    pub fn finish(self) -> Report {
        self.report
    }
}

/// Whether an error means that something is not installed: never for a group that needs nothing but the GPU.
pub fn nothing_lacks(_: &BackendError) -> bool {
    false
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_group_is_tested_and_saved_whatever_fails_in_another() {
        let mut saved = Vec::new();
        let mut save = |report: &Report| saved.push((report.checks.len(), report.failures.len(), report.notes.len()));
        let mut recorder = Recorder::new("a GPU".into(), &mut save);
        let check = || Check { what: "sums".into(), kernels: "sum".into(), twin: "the CPU", error: 0.0, bound: 0.0 };
        // A group that fails keeps the checks that it made before.
        recorder.group("first", nothing_lacks, |report| {
            report.checks.push(check());
            Err(BackendError::NotFitted)
        });
        recorder.group("second", |error| *error == BackendError::NoTensorRt, |_| Err(BackendError::NoTensorRt));
        recorder.group("third", nothing_lacks, |report| {
            report.checks.push(check());
            Ok(())
        });
        let report = recorder.finish();
        let failure = Failure { group: "first".into(), reason: BackendError::NotFitted.to_string() };
        assert_eq!(report.failures, [failure]);
        assert!(
            report.notes.len() == 1 && report.notes[0].starts_with("second was not tested: "),
            "{:?}",
            report.notes
        );
        assert!(!report.passes() && Report { failures: Vec::new(), ..report }.passes());
        assert_eq!(saved, [(1, 1, 0), (1, 1, 1), (2, 1, 1)]);
    }
}
