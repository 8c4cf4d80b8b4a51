//! The stages of the method for one frame, which every machine offers.

use std::time::{Duration, Instant};

use super::error::BackendError;
use super::features::{Features, XyzGroups};
use super::gpu_frame::{GpuTimes, GpuUse};
use super::maps::AnomalyMaps;
use crate::frame::RgbdFrame;
use crate::prepare::crop::CropMisfit;
use crate::prepare::{NetworkInput, Preparation, Preparer};

/// A machine that computes the features of frames by an engine's networks. The caller checks the lengths of all inputs.
/// After an error the outputs are undefined.
pub trait Describe {
    /// Computes the tokens, `[T, C_RGB]`, of `rgb`, a normalised image, `[3, H, W]`.
    fn rgb_tokens(&mut self, rgb: &[f32], tokens: &mut Vec<f32>) -> Result<(), BackendError>;
    /// Finds the groups of `cloud`, and computes their features. `cloud` is `[P]` points in metres; the origin means
    /// that a pixel has no point. A cloud without points has no groups.
    fn xyz_groups(&mut self, cloud: &[[f32; 3]], groups: &mut XyzGroups) -> Result<(), BackendError>;
}

/// A machine that prepares frames.
pub trait PreparationMachine: Send {
    /// Prepares a frame as [`Preparer::run`] does, bit for bit. After an error of the machine the CPU prepares it.
    fn prepare(
        &mut self,
        preparer: &mut Preparer,
        frame: &RgbdFrame,
        how: &Preparation,
        at: Option<[f32; 2]>,
        input: &mut NetworkInput,
    ) -> Result<(), CropMisfit>;

    /// Measures the preparation of frames from now on, which makes it a little slower.
    fn measure(&mut self) {}

    /// The times of the last preparation, after [`Self::measure`]; none if this machine does not measure any.
    fn times(&self) -> Result<Option<GpuTimes>, BackendError> {
        Ok(None)
    }
}

/// A machine that runs the whole method with a fitted engine. The caller checks the lengths of all inputs. After an
/// error the outputs are undefined.
pub trait Backend: Describe {
    /// Opens what prepares this machine's frames beside the other stages, in whatever thread; none if the CPU prepares
    /// them.
    fn preparation_machine(&self) -> Option<Box<dyn PreparationMachine>> {
        None
    }

    /// Computes both mappings, the distances of their predictions, and the anomaly map that the score makes of these, from
    /// the features of a frame.
    fn anomaly_map(
        &mut self,
        tokens: &[f32],
        cloud: &[[f32; 3]],
        groups: &XyzGroups,
        maps: &mut AnomalyMaps,
    ) -> Result<(), BackendError>;

    /// Runs all stages of one frame. `features` is memory that the caller keeps from frame to frame; a machine that
    /// keeps the features in memory of its own does not use it. Returns the times of tokens, groups and anomaly map. If
    /// tokens and groups are computed side by side, the time of the groups is how much longer than the tokens they
    /// took.
    fn frame(
        &mut self,
        rgb: &[f32],
        cloud: &[[f32; 3]],
        features: &mut Features,
        maps: &mut AnomalyMaps,
    ) -> Result<[Duration; 3], BackendError> {
        in_turn(self, rgb, cloud, features, maps)
    }

    /// [`Self::frame`] with what a [`PreparationMachine`] or the CPU has prepared. A machine that still has it in its own
    /// memory takes it from there.
    fn prepared_frame(
        &mut self,
        input: &NetworkInput,
        features: &mut Features,
        maps: &mut AnomalyMaps,
    ) -> Result<[Duration; 3], BackendError> {
        self.frame(&input.rgb, &input.cloud, features, maps)
    }

    /// Measures the stages of frames after their preparation on the GPU from now on, which makes them a little slower.
    /// Returns what the GPU is and how much of its memory is used; none if this machine is the CPU.
    fn measure_gpu(&mut self) -> Result<Option<GpuUse>, BackendError> {
        Ok(None)
    }

    /// The times of the last frame on the GPU after its preparation, after [`Self::measure_gpu`]; none if this machine is
    /// the CPU.
    fn gpu_times(&self) -> Result<Option<GpuTimes>, BackendError> {
        Ok(None)
    }
}

/// Runs the stages of [`Backend::frame`] one after the other.
pub fn in_turn(
    backend: &mut (impl Backend + ?Sized),
    rgb: &[f32],
    cloud: &[[f32; 3]],
    features: &mut Features,
    maps: &mut AnomalyMaps,
) -> Result<[Duration; 3], BackendError> {
    let Features { tokens, groups } = features;
    let start = Instant::now();
    backend.rgb_tokens(rgb, tokens)?;
    let encoded = start.elapsed();
    backend.xyz_groups(cloud, groups)?;
    let grouped = start.elapsed();
    backend.anomaly_map(tokens, cloud, groups, maps)?;
    Ok([encoded, grouped - encoded, start.elapsed() - grouped])
}
