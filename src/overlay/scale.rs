//! The colours of the heat map, and the values that they stand for.

use super::content::Overlay;

/// With a threshold the scale ends at this multiple of it, so that pictures of one station can be compared.
const SCALE_OVER_THRESHOLD: f32 = 1.5;
/// Without one it begins where this share of the part's pixels lies below.
const SCALE_FLOOR: f64 = 0.1;
/// Opacity of the heat map at its two ends.
const OPACITY: [f32; 2] = [0.1, 0.75];

/// The values that the two ends of the colours stand for.
pub struct Scale {
    pub low: f32,
    pub high: f32,
}

impl Scale {
    pub fn for_overlay(what: &Overlay) -> Self {
        if let Some(threshold) = what.threshold.filter(|t| t.is_finite() && *t > 0.0) {
            return Self { low: 0.0, high: SCALE_OVER_THRESHOLD * threshold };
        }
        let valid = what.anomaly_map.iter().zip(what.valid).filter(|(value, valid)| **valid && value.is_finite());
        let mut values: Vec<f32> = valid.map(|(value, _)| *value).collect();
        values.sort_unstable_by(f32::total_cmp);
        let (Some(&high), Some(&low)) = (values.last(), values.get((values.len() as f64 * SCALE_FLOOR) as usize))
        else {
            return Self { low: 0.0, high: 1.0 };
        };
        if high > low { Self { low, high } } else { Self { low: 0.0, high: high.max(1.0) } }
    }

    /// Where on the scale a value lies, 0 to 1.
    pub fn position(&self, value: f32) -> f32 {
        let position = (value - self.low) / (self.high - self.low);
        // NaN is shown as the worst.
        if position.is_nan() { 1.0 } else { position.clamp(0.0, 1.0) }
    }

    pub fn blend(&self, photograph: &[u8], value: f32) -> [u8; 3] {
        let position = self.position(value);
        let opacity = OPACITY[0] + (OPACITY[1] - OPACITY[0]) * position;
        let heat = colour(position);
        [0, 1, 2].map(|c| (f32::from(photograph[c]) * (1.0 - opacity) + f32::from(heat[c]) * opacity) as u8)
    }
}

/// Turbo, which keeps its order of hues for every kind of colour vision and in print.
pub fn colour(position: f32) -> [u8; 3] {
    let colorous::Color { r, g, b } = colorous::TURBO.eval_continuous(f64::from(position));
    [r, g, b]
}
