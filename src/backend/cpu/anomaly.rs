//! The anomaly map of the two discrepancy maps (section 3.3).

use crate::backend::maps::AnomalyMaps;
use crate::model::Score;
use crate::spatial::smoothing::smooth_with;

/// Smooths the two discrepancies, taken together as the score defines it, into the anomaly map.
pub fn combine(score: Score, maps: &mut AnomalyMaps, buffer: &mut Vec<f32>) {
    let AnomalyMaps { psi_rgb, psi_xyz, anomaly_map, .. } = maps;
    anomaly_map.clear();
    anomaly_map.extend(psi_rgb.iter().zip(psi_xyz).map(|(rgb, xyz)| score.combine(*rgb, *xyz)));
    smooth_with(anomaly_map, buffer);
}
