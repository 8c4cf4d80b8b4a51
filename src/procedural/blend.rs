//! Colours and soft borders.

/// Albedo of red, green and blue, 0 to 1, linear.
pub type Albedo = [f32; 3];

/// 0 outside, 1 inside, from signed distance to a border, positive inside; smooth over `width` about it.
pub fn step(inside: f32, width: f32) -> f32 {
    let t = (inside / width + 0.5).clamp(0.0, 1.0);
    t * t * (3.0 - 2.0 * t)
}

pub fn blend(a: Albedo, b: Albedo, share: f32) -> Albedo {
    [0, 1, 2].map(|i| a[i] + share * (b[i] - a[i]))
}
