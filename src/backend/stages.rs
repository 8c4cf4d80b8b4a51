//! The stages of the method on a frame, as every machine offers them.

use std::time::{Duration, Instant};

use super::error::BackendError;
use super::features::{Features, XyzGroups};
use super::maps::AnomalyMaps;

/// A machine that describes frames by an engine's networks. The caller checks sizes. After an error the outputs are
/// undefined.
pub trait Describe {
    /// `rgb`: normalised image, `[3, H, W]`. Writes `[T, C_RGB]`.
    fn rgb_tokens(&mut self, rgb: &[f32], tokens: &mut Vec<f32>) -> Result<(), BackendError>;
    /// `cloud`: `[P]` points in metres, the origin where there is none. Writes no group where the cloud has no point.
    fn xyz_groups(&mut self, cloud: &[[f32; 3]], groups: &mut XyzGroups) -> Result<(), BackendError>;
}

/// A machine that runs the whole method with a fitted engine. The caller checks sizes. After an error the outputs are
/// undefined.
pub trait Backend: Describe {
    /// Both mappings, their discrepancies, and the smoothed product.
    fn anomaly_map(
        &mut self,
        tokens: &[f32],
        cloud: &[[f32; 3]],
        groups: &XyzGroups,
        maps: &mut AnomalyMaps,
    ) -> Result<(), BackendError>;

    /// All stages of one frame. `features` is memory that the caller keeps from frame to frame; a machine that keeps
    /// the features in memory of its own leaves it as it is. Returns the time of tokens, groups and anomaly map; where
    /// tokens and groups run side by side, that of the groups is how much longer they took.
    fn frame(
        &mut self,
        rgb: &[f32],
        cloud: &[[f32; 3]],
        features: &mut Features,
        maps: &mut AnomalyMaps,
    ) -> Result<[Duration; 3], BackendError> {
        in_turn(self, rgb, cloud, features, maps)
    }
}

/// [`Backend::frame`], one stage after the other.
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
