//! How a part lies on the belt.

/// How far parts lie from where the guides hold them: standard deviations.
pub const TURN_RAD: f32 = 0.02;
pub const SHIFT_MM: f32 = 1.0;

/// How a part lies on the belt.
#[derive(Clone, Copy)]
pub struct Pose {
    pub turn_rad: f32,
    pub shift_mm: [f32; 2],
    /// Where it was laid, or how far the belt has carried it: along and across the belt from the middle.
    pub at_mm: [f32; 2],
}
