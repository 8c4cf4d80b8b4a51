//! From an anomaly map to one number (section 3.3).

/// The map's maximum: the score a station uses.
pub fn maximum(map: &[f32]) -> f32 {
    map.iter().fold(0.0, |m, &v| m.max(v))
}

/// The published evaluation's score: the maximum of the map over the root of the mean of its non-zero values.
pub fn reference(map: &[f32]) -> f32 {
    let (count, sum) = map.iter().filter(|v| **v != 0.0).fold((0usize, 0.0), |(n, s), &v| (n + 1, s + f64::from(v)));
    if count == 0 {
        return 0.0;
    }
    (f64::from(maximum(map)) / (sum / count as f64).sqrt()) as f32
}
