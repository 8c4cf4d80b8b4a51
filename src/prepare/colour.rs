//! Colour as the networks take it.

use crate::shapes::RGB;

/// ImageNet's mean and deviation of each channel, of values in 0..1.
pub const MEAN: [f32; 3] = [0.485, 0.456, 0.406];
/// Deviations of the channels over the pictures that the networks were learnt from.
pub const DEVIATION: [f32; 3] = [0.229, 0.224, 0.225];

/// `[H, W, 3]` bytes -> `[3, H, W]`.
pub fn normalise(rgb: &[u8], out: &mut Vec<f32>) {
    out.clear();
    for channel in 0..RGB {
        let of_byte: [f32; 256] = std::array::from_fn(|v| (v as f32 / 255.0 - MEAN[channel]) / DEVIATION[channel]);
        out.extend(rgb.iter().skip(channel).step_by(RGB).map(|&v| of_byte[usize::from(v)]));
    }
}
