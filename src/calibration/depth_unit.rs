//! The range of depth units that cameras have.

/// Metres per step: 65,535 steps reach from 0.3 m to 655 m.
const DEPTH_UNIT_M_MIN: f64 = 5e-6;
const DEPTH_UNIT_M_MAX: f64 = 0.01;

/// Refuses a unit that no camera has, such as one off by 1,000.
pub fn check_depth_unit(depth_unit_m: f64) -> Result<(), String> {
    if (DEPTH_UNIT_M_MIN..=DEPTH_UNIT_M_MAX).contains(&depth_unit_m) {
        return Ok(());
    }
    Err(format!(
        "depth_unit_m is {depth_unit_m} where {DEPTH_UNIT_M_MIN} to {DEPTH_UNIT_M_MAX} is expected: it is in metres per step, 0.001 for millimetres"
    ))
}
