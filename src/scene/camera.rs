//! What the camera over the belt sees: its frames, its scale, and how it may stand.

/// Pixels on a side of the frames, where [`Surroundings`](super::Surroundings) do not say otherwise.
pub const SIDE: usize = 400;
/// Scale where the optical axis meets the belt: in a frame of 400 x 400 pixels, parts of 70 to 80 mm fill more than
/// half the width.
pub const PIXELS_PER_MM: f32 = 3.0;
/// From the camera to where the optical axis meets the belt: least and most.
pub const DISTANCE_MM: [f32; 2] = [420.0, 480.0];
/// By how much the belt's depth grows or falls along an axis of the frame, at most.
pub const SLOPE_MAX: f32 = 0.07;
