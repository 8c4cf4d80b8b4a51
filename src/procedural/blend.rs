//! Colours and soft borders.

/// Albedo of red, green and blue, 0 to 1, linear.
pub type Albedo = [f32; 3];

/// 0 outside, 1 inside, from signed distance to a border, positive inside; smooth over `width` about it.
pub fn step(inside: f32, width: f32) -> f32 {
    let t = (inside / width + 0.5).clamp(0.0, 1.0);
    t * t * (3.0 - 2.0 * t)
}

/// What of an albedo counts as changed by a defect.
const CHANGED: f32 = 0.04;

/// Whether a defect has changed the colour of a place.
pub fn is_changed(a: Albedo, b: Albedo) -> bool {
    (0..3).any(|i| (a[i] - b[i]).abs() > CHANGED)
}

/// The mean difference of red, green and blue.
pub fn difference(a: Albedo, b: Albedo) -> f32 {
    [0, 1, 2].map(|i| (a[i] - b[i]).abs()).iter().sum::<f32>() / 3.0
}

pub fn blend(a: Albedo, b: Albedo, share: f32) -> Albedo {
    [0, 1, 2].map(|i| a[i] + share * (b[i] - a[i]))
}
