//! Whether points are at a distance that a depth camera measures at: where they are not, their unit is wrong.

use thiserror::Error;

use crate::frame::{OrganisedCloud, is_point};
use crate::median::median;

/// Distances that depth cameras measure at, metres.
const DISTANCE_M_MIN: f32 = 0.05;
const DISTANCE_M_MAX: f32 = 20.0;
/// The most points that are looked at.
const SAMPLE_MAX: usize = 4096;
/// A frame in which fewer than one pixel of so many has a point shows nothing to measure. It could not be judged
/// either: a network image of it has fewer points than the networks have groups (512 of 224 x 224, sec. 3.1 has 1024).
const PIXELS_PER_POINT_MAX: usize = 100;
/// A distance that is this many times nearer or farther than usual is in another unit: units differ by ten times at
/// least.
const UNIT_OFF: f32 = 8.0;

/// Points at a distance that no camera measures at.
#[derive(Clone, Copy, Debug, Error, PartialEq)]
#[error(
    "points are {distance_m} m away where {DISTANCE_M_MIN} to {DISTANCE_M_MAX} m is expected: {}",
    advice(*distance_m)
)]
pub struct DistanceError {
    /// Median along the optical axis.
    pub distance_m: f32,
}

fn advice(distance_m: f32) -> &'static str {
    let measured = |by: f32| (DISTANCE_M_MIN..=DISTANCE_M_MAX).contains(&(by * distance_m));
    if measured(1e-3) || measured(1e3) {
        "is depth_unit_m of the camera file off by 1,000? Clouds in millimetres are read with --cloud-unit mm (camera.replay.cloud_unit = \"mm\" of a station)"
    } else {
        "check depth_unit_m of the camera file, --cloud-unit, and that z is the distance from the camera"
    }
}

/// Refuses points at a median distance that no camera measures.
pub fn check_distance(points: &[[f32; 3]]) -> Result<(), DistanceError> {
    let step = points.len().div_ceil(SAMPLE_MAX).max(1) | 1;
    let mut depths: Vec<f32> = points.iter().step_by(step).filter(|p| is_point(p)).map(|p| p[2]).collect();
    let Some(distance_m) = median(&mut depths) else { return Ok(()) };
    let is_measured = (DISTANCE_M_MIN..=DISTANCE_M_MAX).contains(&distance_m);
    if is_measured { Ok(()) } else { Err(DistanceError { distance_m }) }
}

/// Whether a frame shows enough to tell its distance by.
pub fn has_signal(cloud: &OrganisedCloud) -> bool {
    cloud.valid_count() * PIXELS_PER_POINT_MAX > cloud.points().len()
}

/// Whether a distance differs from the usual one by what only another unit explains.
pub fn is_other_unit(distance_m: f32, usual_m: f32) -> bool {
    let ratio = distance_m / usual_m;
    ratio >= UNIT_OFF || ratio <= 1.0 / UNIT_OFF
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(distance_m: f32) -> String {
        check_distance(&[[0.0, 0.0, distance_m]; 10]).unwrap_err().to_string()
    }

    #[test]
    fn a_wrong_unit_is_named() {
        assert!(check_distance(&[[0.0, 0.0, 0.5]; 10]).is_ok() && check_distance(&[[0.0; 3]; 10]).is_ok());
        assert!(
            refusal(500.0).contains("--cloud-unit mm")
                && refusal(0.0005).contains("depth_unit_m of the camera file off by 1,000")
        );
        assert!(refusal(-0.5).contains("z is the distance"));
    }

    #[test]
    fn a_factor_of_ten_from_the_usual_distance_is_another_unit() {
        assert!(is_other_unit(5.0, 0.5) && is_other_unit(0.05, 0.5));
        assert!(!is_other_unit(1.0, 0.5) && !is_other_unit(0.2, 0.5));
    }
}
